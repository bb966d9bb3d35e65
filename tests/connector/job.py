"""Writes and reads Kinesis through the packaged connector; runs in the environment of Flink.

Usage: job.py JAR. Prints one JSON object a row that was read back.
"""

import json
import sys

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/connector"
OPTIONS = f"'connector' = 'kinesis', 'format' = 'json', 'stream.arn' = '{STREAM}'"
SINK = f"""CREATE TABLE written (k STRING, v BIGINT) PARTITIONED BY (k)
    WITH ({OPTIONS}, 'sink.flush-buffer.timeout' = '100')"""
SOURCE = f"""CREATE TABLE stored (
      k STRING, v BIGINT,
      shard STRING METADATA FROM 'shard-id',
      seq STRING METADATA FROM 'sequence-number',
      arrived TIMESTAMP_LTZ(3) METADATA FROM 'arrival-timestamp',
      partition_key STRING METADATA FROM 'partition-key',
      payload BYTES METADATA FROM 'data',
      occurred AS TO_TIMESTAMP_LTZ(v * 1000, 3),
      WATERMARK FOR occurred AS occurred - INTERVAL '1' SECOND)
    WITH ({OPTIONS}, 'source.init.position' = 'TRIM_HORIZON', 'source.stop.position' = 'LATEST')"""
ROWS = ", ".join(f"('key-{n % 10}', {n})" for n in range(300))
QUERY = """SELECT k, v, shard, seq, CAST(arrived AS STRING), partition_key,
    CAST(payload AS STRING) FROM stored"""


def main(jar: str) -> None:
    """Fill the stream, then read it to its end."""
    configuration = Configuration()
    configuration.set_string("pipeline.jars", f"file://{jar}")
    configuration.set_string("parallelism.default", "2")
    configuration.set_string("table.local-time-zone", "UTC")
    settings = EnvironmentSettings.new_instance().in_streaming_mode()
    tables = TableEnvironment.create(settings.with_configuration(configuration).build())
    tables.execute_sql(SINK)
    tables.execute_sql(SOURCE)
    tables.execute_sql(f"INSERT INTO written VALUES {ROWS}").wait()
    for row in tables.execute_sql(QUERY).collect():
        print(json.dumps(list(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
