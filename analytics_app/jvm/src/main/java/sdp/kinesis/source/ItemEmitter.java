package sdp.kinesis.source;

import java.util.function.Consumer;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.util.Collector;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.Position;

/** Emits decoded records and moves the shard's checkpointed position behind them. */
final class ItemEmitter<T> implements RecordEmitter<ShardItem, T, ShardProgress<T>> {
  private final RecordDecoder<T> decoder;
  private final ReaderMetrics metrics;
  private final Consumer<String> onEnd;
  private final OutputCollector<T> collector = new OutputCollector<>();

  /**
   * @param onEnd gets the shard whose end was reached
   */
  ItemEmitter(RecordDecoder<T> decoder, ReaderMetrics metrics, Consumer<String> onEnd) {
    this.decoder = decoder;
    this.metrics = metrics;
    this.onEnd = onEnd;
  }

  @Override
  public void emitRecord(ShardItem item, SourceOutput<T> output, ShardProgress<T> progress) {
    if (item instanceof ShardItem.Data data) {
      KinesisRecord record = data.kinesisRecord();
      collector.output = output;
      collector.watermark = progress.watermark();
      collector.timestamp = record.arrivalMillis();
      if (!decoder.decode(record, collector)) {
        metrics.undecodable(record.shardId());
      }
      progress.advance(Position.after(record.sequenceNumber()));
    } else if (item instanceof ShardItem.End end) {
      progress.advance(Position.END);
      onEnd.accept(end.shardId());
    }
  }

  private static final class OutputCollector<T> implements Collector<T> {
    private SourceOutput<T> output;
    private ShardWatermark<T> watermark;
    private long timestamp;

    @Override
    public void collect(T element) {
      output.collect(element, timestamp);
      watermark.onEvent(element, timestamp);
    }

    @Override
    public void close() {}
  }
}
