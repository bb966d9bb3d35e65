package sdp.kinesis.stream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A stream that was recorded: a folder of files, each a shard, one record a line. Sequence numbers
 * are as long as those of Kinesis, and tell where in the file the next record begins.
 *
 * <p>Of a paced one a record can be read from the time on that it was received at, in the order of
 * which a file is: each line begins with {@code {"received_at":"2026-01-05T10:00:00.000Z"}.
 */
public final class RecordedStream implements KinesisStream {
  private static final int CHUNK = 1 << 21;
  private static final String SEQUENCE = "49660000000000000000000000000000000000000000000000000000";

  private static final String RECEIVED = "{\"received_at\":\"";
  private static final int INSTANT = "2026-01-05T10:00:00.000Z".length();

  private final Path folder;
  private final boolean paced;
  private final Map<String, RandomAccessFile> files = new HashMap<>();

  /** What was read last of each file: a paced one gives few records at once. */
  private final Map<String, Chunk> chunks = new HashMap<>();

  /** When all records were there, unless they are paced. */
  private final long opened = System.currentTimeMillis();

  public RecordedStream(Path folder) {
    this(folder, false);
  }

  public RecordedStream(Path folder, boolean paced) {
    this.folder = folder;
    this.paced = paced;
  }

  @Override
  public String name() {
    return folder.getFileName().toString();
  }

  @Override
  public List<Shard> shards() {
    try (Stream<Path> paths = Files.list(folder)) {
      return paths.map(p -> new Shard(p.getFileName().toString(), List.of())).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String iterator(String shardId, Position position) {
    return switch (position.kind()) {
      case TRIM_HORIZON -> "0";
      case AFTER_SEQUENCE_NUMBER -> Long.toString(Long.parseLong(position.value().substring(20)));
      case AT_TIMESTAMP, END -> throw new IllegalArgumentException(position.toString());
    };
  }

  @Override
  public Page read(String shardId, String iterator, int limit) {
    try {
      RandomAccessFile file = file(shardId);
      long from = Long.parseLong(iterator);
      return page(shardId, chunk(shardId, file, from), from, limit, file.length());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Part of a file, with a whole line from there on unless none is left. */
  private Chunk chunk(String shardId, RandomAccessFile file, long from) throws IOException {
    Chunk last = chunks.get(shardId);
    if (last == null || !last.hasLine(from)) {
      file.seek(from);
      byte[] bytes = new byte[CHUNK];
      int length = Math.max(0, file.read(bytes));
      last = new Chunk(from, bytes, new String(bytes, 0, length, ISO_8859_1));
      chunks.put(shardId, last);
    }
    return last;
  }

  /** Its text is there because {@code indexOf} takes 16 bytes at once. */
  private record Chunk(long at, byte[] bytes, String text) {
    boolean hasLine(long from) {
      return from >= at && text.indexOf('\n', (int) Math.min(from - at, text.length())) >= 0;
    }
  }

  private Page page(String shardId, Chunk chunk, long from, int limit, long end) {
    List<KinesisRecord> records = new ArrayList<>();
    String text = chunk.text;
    int start = (int) (from - chunk.at);
    long now = System.currentTimeMillis();
    Clock clock = new Clock(paced ? now : Long.MAX_VALUE);
    for (int newline = text.indexOf('\n', start);
        newline >= 0 && records.size() < limit && clock.isThere(text, start);
        newline = text.indexOf('\n', start)) {
      byte[] data = Arrays.copyOfRange(chunk.bytes, start, newline);
      start = newline + 1;
      records.add(
          new KinesisRecord(shardId, sequence(chunk.at + start), "", paced ? now : opened, data));
    }
    long next = chunk.at + start;
    return new Page(records, Long.toString(next), end - next);
  }

  /** Which records are there by now; many were received at the same instant. */
  private static final class Clock {
    private final long now;
    private String instant = "";

    Clock(long now) {
      this.now = now;
    }

    boolean isThere(String text, int start) {
      int from = start + RECEIVED.length();
      if (now == Long.MAX_VALUE || !instant.isEmpty() && text.startsWith(instant, from)) {
        return true;
      }
      instant = text.substring(from, from + INSTANT);
      return Instant.parse(instant).toEpochMilli() <= now;
    }
  }

  private static String sequence(long next) {
    String digits = Long.toString(next);
    return SEQUENCE.substring(digits.length()) + digits;
  }

  private RandomAccessFile file(String shardId) throws IOException {
    RandomAccessFile file = files.get(shardId);
    if (file == null) {
      file = new RandomAccessFile(folder.resolve(shardId).toFile(), "r");
      files.put(shardId, file);
    }
    return file;
  }

  @Override
  public List<PutEntry> put(List<PutEntry> entries) {
    throw new UnsupportedOperationException("A recorded stream is only read");
  }

  @Override
  public void close() {
    files.values().forEach(RecordedStream::close);
  }

  private static void close(RandomAccessFile file) {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
