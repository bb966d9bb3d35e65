package sdp.kinesis.stream;

import java.util.List;

/**
 * What the connector asks of one stream.
 *
 * <p>Every call may throw {@link TransientStreamException}.
 */
public interface KinesisStream extends AutoCloseable {

  /** The stream's name, for metrics. */
  String name();

  /** All shards that are kept, closed ones too. */
  List<Shard> shards();

  /**
   * An iterator at a place of a shard.
   *
   * @throws ExpiredShardException if the shard is no longer kept
   */
  String iterator(String shardId, Position position);

  /**
   * Up to {@code limit} records from an iterator.
   *
   * @throws ExpiredPositionException if the iterator is no longer known
   * @throws ExpiredShardException if the shard is no longer kept
   */
  Page read(String shardId, String iterator, int limit);

  /** Writes the entries and returns those that were refused, to be written again. */
  List<PutEntry> put(List<PutEntry> entries);

  @Override
  void close();
}
