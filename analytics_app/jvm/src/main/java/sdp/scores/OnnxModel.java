package sdp.scores;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.DoubleBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A model as an ONNX graph, evaluated by ONNX Runtime in the calling thread. Its inputs are vectors
 * of one dimension, of texts or doubles, and its output {@code score} is one of doubles.
 *
 * <p>A row has the same score, to the last bit, beside whatever others it is scored. ONNX Runtime
 * computes several numbers of a vector at once, and those that are left over one by one, by another
 * approximation; so vectors are filled up until nothing is left over.
 */
public final class OnnxModel implements Model {
  private static final String OUTPUT = "score";

  /** As many doubles as the widest registers have. */
  private static final int TOGETHER = 8;

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final List<Input> inputs;

  private OnnxModel(OrtEnvironment environment, OrtSession session, List<Input> inputs) {
    this.environment = environment;
    this.session = session;
    this.inputs = inputs;
  }

  /** Reads a graph. It is invalid if it cannot be evaluated here, for whatever reason. */
  public static OnnxModel of(byte[] graph) throws InvalidModelException {
    try (var options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      OrtSession session = environment.createSession(graph, options);
      try {
        return new OnnxModel(environment, session, inputs(session));
      } catch (InvalidModelException | OrtException e) {
        session.close();
        throw e;
      }
    } catch (OrtException e) {
      throw new InvalidModelException("ONNX Runtime refuses it: " + e.getMessage(), e);
    } catch (LinkageError | IllegalStateException e) { // its native library cannot be loaded
      throw new InvalidModelException("ONNX Runtime cannot run here: " + e, e);
    }
  }

  private static List<Input> inputs(OrtSession session) throws OrtException, InvalidModelException {
    List<Input> inputs = new ArrayList<>();
    for (var each : session.getInputInfo().values()) {
      OnnxJavaType type = type(each.getInfo());
      if (type != OnnxJavaType.STRING && type != OnnxJavaType.DOUBLE) {
        throw new InvalidModelException(
            "input %s is no vector of texts or doubles".formatted(each.getName()), null);
      }
      inputs.add(new Input(each.getName(), type == OnnxJavaType.STRING));
    }
    var output = session.getOutputInfo().get(OUTPUT);
    if (output == null || type(output.getInfo()) != OnnxJavaType.DOUBLE) {
      throw new InvalidModelException("it has no output 'score' that is a vector of doubles", null);
    }
    return List.copyOf(inputs);
  }

  /** The type of a vector; null if it is something else. */
  private static OnnxJavaType type(Object info) {
    return info instanceof TensorInfo tensor && tensor.getShape().length == 1 ? tensor.type : null;
  }

  @Override
  public List<Input> inputs() {
    return inputs;
  }

  @Override
  public double[] scores(List<Object[]> rows) {
    double[] scores = new double[rows.size()];
    if (scores.length == 0) {
      return scores;
    }
    int length = (scores.length + TOGETHER - 1) / TOGETHER * TOGETHER;
    Map<String, OnnxTensor> columns = new HashMap<>();
    try {
      for (int column = 0; column < inputs.size(); column++) {
        columns.put(inputs.get(column).name(), tensor(rows, column, length));
      }
      try (var result = session.run(columns)) {
        ((OnnxTensor) result.get(OUTPUT).orElseThrow()).getDoubleBuffer().get(scores);
      }
      return scores;
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
    } finally {
      columns.values().forEach(OnnxTensor::close);
    }
  }

  /** The column of the rows; the last row again and again up to the length. */
  private OnnxTensor tensor(List<Object[]> rows, int column, int length) throws OrtException {
    int last = rows.size() - 1;
    if (inputs.get(column).isText()) {
      String[] texts = new String[length];
      for (int row = 0; row <= last; row++) {
        texts[row] = text(rows.get(row)[column]);
      }
      Arrays.fill(texts, last, length, texts[last]);
      return OnnxTensor.createTensor(environment, texts);
    }
    double[] numbers = new double[length];
    for (int row = 0; row <= last; row++) {
      numbers[row] =
          rows.get(row)[column] instanceof Number number ? number.doubleValue() : Double.NaN;
    }
    Arrays.fill(numbers, last, length, numbers[last]);
    return OnnxTensor.createTensor(environment, DoubleBuffer.wrap(numbers), new long[] {length});
  }

  private static String text(Object value) {
    return value == null ? "" : Texts.escaped(value.toString());
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("The model cannot be closed: " + e.getMessage(), e);
    }
  }
}
