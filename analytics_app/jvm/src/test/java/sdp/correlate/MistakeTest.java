package sdp.correlate;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import sdp.correlate.JoinTest.History;
import sdp.keyed.HeapBudget;
import sdp.keyed.KeyLogs;
import sdp.keyed.WrongLogs;

/**
 * Each mistake in the join or in its logs is noticed by the random histories of {@link JoinTest}.
 */
class MistakeTest {
  private static final int HISTORIES = 3_000;

  @TestFactory
  List<DynamicTest> eachMistakeIsNoticed() {
    List<DynamicTest> tests = new ArrayList<>();
    for (WrongLogs.Mistake mistake : WrongLogs.Mistake.values()) {
      tests.add(test(mistake.name(), wrong(mistake)));
    }
    tests.add(test("the watermark is not kept", forgetful()));
    tests.add(test("late a millisecond early", wrong(Late::new)));
    tests.add(test("over a millisecond early", wrong(Over::new)));
    tests.add(test("the edge of the window is outside", wrong(Narrow::new)));
    tests.add(test("a record that cannot match takes a place", wrong(Wide::new)));
    tests.add(test("a repetition of what waits is no duplicate", wrong(Repeating::new)));
    return tests;
  }

  private static DynamicTest test(String name, Run.Parts parts) {
    return DynamicTest.dynamicTest(name, () -> notice(parts));
  }

  private static void notice(Run.Parts parts) {
    Random random = new Random(1);
    for (int history = 0; history < HISTORIES; history++) {
      History each = History.any(random);
      try {
        if (!each.expected().equals(each.run(parts))) {
          return;
        }
      } catch (Exception | AssertionError noticed) {
        return;
      }
    }
    fail("no history has shown it");
  }

  private static Run.Parts forgetful() {
    return new Run.Parts() {
      @Override
      long kept(long watermark) {
        return Join.NO_WATERMARK;
      }
    };
  }

  private static Run.Parts wrong(WrongLogs.Mistake mistake) {
    return new Run.Parts() {
      @Override
      KeyLogs logs(sdp.keyed.Chunks state, HeapBudget heap, int first, int count, long step) {
        return new WrongLogs(mistake, state, heap, Run.GROUPS, first, count, step);
      }
    };
  }

  private record Made(Layout layout, KeyLogs logs, Join.Outcomes outcomes) {}

  private static Run.Parts wrong(Function<Made, Join> join) {
    return new Run.Parts() {
      @Override
      Join join(Layout layout, KeyLogs logs, Join.Outcomes outcomes) {
        return join.apply(new Made(layout, logs, outcomes));
      }
    };
  }

  private static class Wrong extends Join {
    Wrong(Made of) {
      super(of.layout, Run.reasons(of.layout), of.logs, of.outcomes);
    }
  }

  private static final class Late extends Wrong {
    Late(Made of) {
      super(of);
    }

    @Override
    boolean isLate(long time) {
      return super.isLate(time - 1);
    }
  }

  private static final class Over extends Wrong {
    Over(Made of) {
      super(of);
    }

    @Override
    boolean isOver(long time) {
      return super.isOver(time - 1);
    }
  }

  private static final class Narrow extends Wrong {
    private final long window;

    Narrow(Made of) {
      super(of);
      window = of.layout.window();
    }

    @Override
    boolean isWithinWindow(long distance) {
      return distance < window;
    }
  }

  private static final class Wide extends Wrong {
    Wide(Made of) {
      super(of);
    }

    @Override
    boolean isWithinWindow(long distance) {
      return true;
    }
  }

  private static final class Repeating extends Wrong {
    Repeating(Made of) {
      super(of);
    }

    @Override
    boolean isRepeated(int stage, long time) {
      return false;
    }
  }
}
