"""Limits that more than one part of the platform keeps: ingestion, the pipeline, dead letters."""

from __future__ import annotations

from datetime import timedelta

# The largest record that is counted. All that is derived from one then fits into a Kinesis record.
RECORD_BYTES = 256 * 1024
# The largest body of a request. API Gateway passes a body to Lambda in base64, in an event of at
# most 6 MiB: nothing of a larger body would arrive.
BODY_BYTES = 4_500_000
# An event may be dated this long after its receipt, for clocks differ.
AHEAD = timedelta(minutes=5)
# What the clocks of ingestion and of the stream may differ by: none of what ingestion has accepted
# is refused behind it.
CLOCKS_DIFFER = timedelta(seconds=10)
# The most bytes of a record that a dead letter carries: in base64, and with all else it says, they
# stay below the 1,000 KiB that Firehose takes and the 1 MiB that Kinesis does.
LETTER_BYTES = 700 * 1024
