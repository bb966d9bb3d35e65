package sdp.patterns;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

/** An event as it is stored. */
class EventTest {
  private static final byte[] TEXTS = "id-whose".getBytes(UTF_8);

  @Test
  void isReadAsItWasWritten() throws Exception {
    for (int kind : new int[] {Event.LEVEL, Event.AMOUNT, Event.STEP, Event.MAX_KIND}) {
      for (int carried : new int[] {0, 5}) {
        double value = kind < Event.STEP ? 1.5 : 0;
        Event event = new Event(7, kind, value, carried > 0, TEXTS, 0, 2, 3, carried);
        DataOutputSerializer out = new DataOutputSerializer(16);
        event.write(out);
        Event read = read(out.getCopyOfBuffer());
        assertEquals(kind, read.kind());
        assertEquals(value, read.value());
        assertEquals(event.late(), read.late());
        assertTrue(read.hasSameId(event));
        assertEquals("whose".substring(0, carried), carried(read));
      }
    }
  }

  /** Texts to carry on came later than state did. */
  @Test
  void oneOfEarlierStateCarriesNothing() throws Exception {
    DataOutputSerializer out = new DataOutputSerializer(16);
    out.writeLong(7);
    out.writeByte(Event.AMOUNT | 0x80);
    out.writeDouble(1.5);
    out.writeShort(2);
    out.write(TEXTS, 0, 2);
    Event read = read(out.getCopyOfBuffer());
    assertEquals(Event.AMOUNT, read.kind());
    assertTrue(read.late());
    assertFalse(read.carries());
  }

  /** With an event behind it, which must begin where this one ends. */
  private static Event read(byte[] stored) throws Exception {
    byte[] both = Arrays.copyOf(stored, 2 * stored.length);
    System.arraycopy(stored, 0, both, stored.length, stored.length);
    DataInputDeserializer in = new DataInputDeserializer(both);
    Event first = Event.read(in, both);
    Event second = Event.read(in, both);
    assertEquals(0, in.available());
    assertTrue(second.hasSameId(first));
    return first;
  }

  private static String carried(Event event) {
    return new String(event.bytes(), event.carriedAt(), event.carriedLength(), UTF_8);
  }
}
