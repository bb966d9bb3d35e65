package sdp.kinesis.source;

import java.util.List;
import sdp.kinesis.stream.ExpiredPositionException;
import sdp.kinesis.stream.KinesisRecord;
import sdp.kinesis.stream.KinesisStream;
import sdp.kinesis.stream.Page;
import sdp.kinesis.stream.Position;

/** Reads one shard page by page and remembers where it is. */
final class ShardCursor {
  private final String shardId;
  private Position position;
  private String iterator;
  private int failures;
  private long dueNanos;
  private long millisBehind;

  ShardCursor(ShardSplit split, long nowNanos) {
    this.shardId = split.shardId();
    this.position = split.position();
    this.dueNanos = nowNanos;
  }

  String shardId() {
    return shardId;
  }

  boolean isAtEnd() {
    return position.isEnd();
  }

  long dueNanos() {
    return dueNanos;
  }

  /** The next page; an iterator that has expired is replaced by one for the same place. */
  List<KinesisRecord> read(KinesisStream stream, int limit, StopPosition stop, long askedAt) {
    Page page = readPage(stream, limit);
    failures = 0;
    millisBehind = page.millisBehind();
    iterator = page.nextIterator();
    List<KinesisRecord> records = before(stop, page.records());
    if (iterator == null || stop.isReachedBy(page, askedAt)) {
      position = Position.END;
    } else if (!records.isEmpty()) {
      position = Position.after(records.get(records.size() - 1).sequenceNumber());
    }
    return records;
  }

  /** The records before the first that the stop excludes; a loop, because it sees each record. */
  private static List<KinesisRecord> before(StopPosition stop, List<KinesisRecord> records) {
    for (int i = 0; i < records.size(); i++) {
      if (stop.excludes(records.get(i))) {
        return records.subList(0, i);
      }
    }
    return records;
  }

  private Page readPage(KinesisStream stream, int limit) {
    if (iterator == null) {
      iterator = stream.iterator(shardId, position);
    }
    try {
      return stream.read(shardId, iterator, limit);
    } catch (ExpiredPositionException e) {
      iterator = stream.iterator(shardId, position);
      return stream.read(shardId, iterator, limit);
    }
  }

  long millisBehind() {
    return millisBehind;
  }

  /** Nothing more is to be had of this shard. */
  void end() {
    position = Position.END;
  }

  Position position() {
    return position;
  }

  /** When this shard is to be read next. */
  void postpone(long untilNanos) {
    dueNanos = untilNanos;
  }

  /** Counts a failed read; a successful one resets the count. */
  int fail() {
    return ++failures;
  }
}
