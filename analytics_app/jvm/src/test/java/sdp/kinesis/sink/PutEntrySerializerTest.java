package sdp.kinesis.sink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.junit.jupiter.api.Test;
import sdp.kinesis.stream.PutEntry;

/** Records that wait to be written survive a checkpoint. */
class PutEntrySerializerTest {
  @Test
  void restoresAnEntry() throws IOException {
    PutEntry entry = new PutEntry("ключ", new byte[] {0, 1, -1});
    var serializer = new PutEntrySerializer();
    var state = new BufferedRequestState<>(List.of(new RequestEntryWrapper<>(entry, 11)));
    var restored = serializer.deserialize(1, serializer.serialize(state));
    PutEntry read = restored.getBufferedRequestEntries().get(0).getRequestEntry();
    assertEquals("ключ", read.partitionKey());
    assertArrayEquals(entry.data(), read.data());
    assertEquals(11, entry.sizeInBytes());
  }
}
