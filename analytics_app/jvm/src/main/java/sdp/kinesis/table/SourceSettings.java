package sdp.kinesis.table;

import java.time.Duration;
import sdp.kinesis.source.ReadOptions;
import sdp.kinesis.source.StartPosition;
import sdp.kinesis.stream.StreamOpener;

/** The checked options of a table that is read. */
record SourceSettings(
    String name,
    StreamOpener stream,
    StartPosition start,
    Duration discoveryInterval,
    ReadOptions reading,
    int maxRecordBytes) {}
