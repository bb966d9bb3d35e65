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
  private static final int PACED_CHUNK = 1 << 16;
  private static final String SEQUENCE = "49660000000000000000000000000000000000000000000000000000";

  private static final String RECEIVED = "{\"received_at\":\"";
  private static final int INSTANT = "2026-01-05T10:00:00.000Z".length();

  private final Path folder;
  private final boolean paced;
  private final Map<String, RandomAccessFile> files = new HashMap<>();
  private final byte[] chunk = new byte[CHUNK];

  /** All records were there before the reading began. */
  private final long arrival = System.currentTimeMillis();

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
      file.seek(from);
      int length = Math.max(0, file.read(chunk, 0, paced ? PACED_CHUNK : CHUNK));
      return page(shardId, from, length, limit, file.length());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Page page(String shardId, long from, int length, int limit, long end) {
    List<KinesisRecord> records = new ArrayList<>(limit);
    String text = new String(chunk, 0, length, ISO_8859_1); // its indexOf takes 16 bytes at once
    int start = 0;
    long now = paced ? System.currentTimeMillis() : Long.MAX_VALUE;
    for (int newline = text.indexOf('\n');
        newline >= 0 && records.size() < limit && isThere(text, start, now);
        newline = text.indexOf('\n', start)) {
      byte[] data = Arrays.copyOfRange(chunk, start, newline);
      start = newline + 1;
      records.add(new KinesisRecord(shardId, sequence(from + start), "", arrival, data));
    }
    return new Page(records, Long.toString(from + start), end - from - start);
  }

  private static boolean isThere(String text, int start, long now) {
    if (now == Long.MAX_VALUE) {
      return true;
    }
    int from = start + RECEIVED.length();
    return Instant.parse(text.substring(from, from + INSTANT)).toEpochMilli() <= now;
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
