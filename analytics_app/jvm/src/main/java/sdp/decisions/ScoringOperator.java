package sdp.decisions;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.OutputTag;
import sdp.kinesis.stream.OncePerMinute;
import sdp.metrics.Percentiles;
import sdp.metrics.PublishedMetrics;
import sdp.scores.Artifact;
import sdp.scores.Model;
import sdp.scores.Models;

/**
 * Gives each row the score of the model that is in force at the row's time. Rows that a model
 * scores are scored several at once: they wait for the next watermark or checkpoint at most, so
 * there is no state. Where no model gives a score, score and version are null and the row goes on
 * at once; if there should be a score, that is counted and, once a minute, logged.
 */
class ScoringOperator extends AbstractStreamOperator<RowData>
    implements OneInputStreamOperator<RowData, RowData> {
  private static final long serialVersionUID = 1L;

  /** More at once are hardly faster. */
  private static final int BATCH = 64;

  private final String name;
  private final RowType rows;
  private final int time;
  private final Stores stores;
  private final OutputTag<RowData> port;
  private final Duration patience;

  private transient ModelVersions versions;
  private transient Models models;
  private transient ScoredColumns columns;
  private transient RowDataSerializer serializer;
  private transient List<RowData> waiting;
  private transient Artifact artifact; // of the rows that wait
  private transient Model model;
  private transient GenericRowData added;
  private transient JoinedRowData joined;
  private transient StreamRecord<RowData> out;
  private transient Counter scored;
  private transient Counter unscored;
  private transient Percentiles scoring;
  private transient OncePerMinute trouble;

  /**
   * @param time the column with the row's time
   * @param port where rows leave
   * @param patience how long a model, or its versions, are waited for when they are first needed
   */
  ScoringOperator(
      String name,
      RowType rows,
      int time,
      Stores stores,
      OutputTag<RowData> port,
      Duration patience) {
    this.name = name;
    this.rows = rows;
    this.time = time;
    this.stores = stores;
    this.port = port;
    this.patience = patience;
  }

  @Override
  public void open() throws Exception {
    super.open();
    serializer = new RowDataSerializer(rows);
    columns = new ScoredColumns(rows);
    waiting = new ArrayList<>(BATCH);
    added = new GenericRowData(2);
    joined = new JoinedRowData();
    out = new StreamRecord<>(joined);
    trouble = new OncePerMinute(Clock.systemUTC());
    MetricGroup metrics = PublishedMetrics.ofScores(getMetricGroup(), name);
    scored = metrics.counter("scored");
    unscored = metrics.counter("unscored");
    scoring = new Percentiles();
    scoring.publish(metrics, "scoreMicros");
    models = Models.onnx(stores.models(), patience);
    versions = new ModelVersions(stores.definitions().store(), patience);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) throws Exception {
    RowData row = element.getValue();
    if (select(row)) {
      waiting.add(serializer.copy(row));
      if (waiting.size() == BATCH) {
        score();
      }
    } else {
      emit(row, null, null);
    }
  }

  /** Selects the model of a row; whether there is one. */
  private boolean select(RowData row) throws Exception {
    if (row.isNullAt(time)) {
      return false;
    }
    long at = row.getTimestamp(time, 3).getMillisecond();
    if (!versions.reach(at)) {
      return none("in force", "its versions cannot be read", 1);
    }
    Definition definition = versions.at(at);
    if (definition == null) {
      return false;
    }
    return definition instanceof Definition.Model found
        ? select(found.artifact())
        : none(definition.version().name(), ((Definition.Wrong) definition).mistake(), 1);
  }

  private boolean select(Artifact next) {
    if (!next.equals(artifact)) {
      score();
      artifact = next;
    }
    Models.Loaded loaded = models.of(next);
    model = loaded.model();
    if (model == null) {
      return none(next.version(), loaded.failure(), 1);
    }
    String missing = columns.select(model);
    return missing == null
        || none(next.version(), "rows have no column '%s'".formatted(missing), 1);
  }

  /** Scores the rows that wait, and sends them on. */
  private void score() {
    if (waiting.isEmpty()) {
      return;
    }
    double[] scores = scores();
    StringData version = StringData.fromString(artifact.version());
    for (int row = 0; row < scores.length; row++) {
      boolean isScore = !Double.isNaN(scores[row]);
      emit(waiting.get(row), isScore ? scores[row] : null, isScore ? version : null);
    }
    waiting.clear();
  }

  private double[] scores() {
    long start = System.nanoTime();
    List<Object[]> rows = waiting.stream().map(columns::values).toList();
    double[] scores = model.scoresOfEach(rows, why -> none(artifact.version(), why, 0));
    scoring.add((System.nanoTime() - start) / 1_000 / scores.length);
    int without = (int) Arrays.stream(scores).filter(Double::isNaN).count();
    scored.inc(scores.length - without);
    unscored.inc(without);
    return scores;
  }

  private void emit(RowData row, Double score, StringData version) {
    added.setField(0, score);
    added.setField(1, version);
    output.collect(port, out.replace(joined.replace(row, added)));
  }

  private boolean none(String version, String why, int count) {
    unscored.inc(count);
    trouble.report(times -> LOG.warn("The model {} gives no score: {}", version, why));
    return false;
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    score();
    if (versions.refresh() && versions.last() instanceof Definition.Model last) {
      models.prepare(last.artifact());
    }
    super.processWatermark(mark);
  }

  /** What waits is sent on before a checkpoint, so it is in none. */
  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    score();
    super.prepareSnapshotPreBarrier(checkpoint);
  }

  @Override
  public void finish() throws Exception {
    score();
    super.finish();
  }

  @Override
  public void close() throws Exception {
    if (versions != null) {
      versions.close();
    }
    if (models != null) {
      models.close();
    }
    super.close();
  }
}
