"""One leg of the connector's measurement, in the environment of Flink.

`python -m bench.connector.job write|read WORK STREAM FOLDER…`: STREAM and FOLDER in pairs, one
after the other in one JVM. Writes the rows of the recorded events in FOLDER into STREAM, with the
options that the application has, or reads STREAM to its end. Prints a line of JSON for each pair:
seconds and CPU of the job itself. All pairs but the last are there to warm up; the jar is on the
JVM's own classpath, because what a job's own class loader has is compiled again for each job.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

from analytics_app.connectors import SOURCE_JSON, Kinesis
from bench.stream.watch import cpu_seconds, descendants

STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
COLUMNS = """`type` STRING, event_id STRING, occurred_at TIMESTAMP_LTZ(3),
  received_at TIMESTAMP_LTZ(3), tx_id STRING, app_uid STRING, campaign_item_id BIGINT,
  creative_category STRING, creative_id STRING, domain STRING, win_price BIGINT"""
SETTINGS = {
    "parallelism.default": "2",
    "pipeline.object-reuse": "true",
    "table.local-time-zone": "UTC",
    "execution.checkpointing.interval": "1 s",
}


def environment(work: Path) -> TableEnvironment:
    """A mini-cluster of two subtasks."""
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    settings = {**SETTINGS, "execution.checkpointing.dir": (work / "checkpoints").as_uri()}
    for key, value in settings.items():
        env.get_config().set(key, value)
    return env


def tables(env: TableEnvironment, leg: str, stream: str, folder: str) -> None:
    """Define the table that is read, `origin_STREAM`, and the one that is written, `target_…`."""
    kinesis = Kinesis({("bench", stream): STREAM + stream}, "us-east-1")
    if leg == "write":
        recorded = {"connector": "recorded", "path": folder, **SOURCE_JSON}
        _table(env, f"origin_{stream}", recorded)
        _table(env, f"target_{stream}", kinesis.sink("bench", stream), "PARTITIONED BY (tx_id)")
    else:
        stop = {"source.stop.position": "LATEST"}
        _table(env, f"origin_{stream}", {**kinesis.source("bench", stream), **stop})
        _table(env, f"target_{stream}", {"connector": "blackhole"})


def _table(env: TableEnvironment, name: str, options: dict[str, str], more: str = "") -> None:
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    env.execute_sql(f"CREATE TABLE {name} ({COLUMNS}) {more} WITH ({listed})")


def run(env: TableEnvironment, leg: str, stream: str, folder: str) -> dict[str, float]:
    """What one leg takes."""
    tables(env, leg, stream, folder)
    jvm = descendants(os.getpid())[-1]
    before = cpu_seconds(jvm)
    result = env.execute_sql(f"INSERT INTO target_{stream} SELECT * FROM origin_{stream}")
    result.wait()
    execution = result.get_job_client().get_job_execution_result().result()
    return {"seconds": execution.get_net_runtime() / 1000, "cpu": cpu_seconds(jvm) - before}


def main(leg: str, work: str, *pairs: str) -> None:
    """Run each pair and print what it took."""
    env = environment(Path(work))
    for stream, folder in zip(pairs[::2], pairs[1::2], strict=True):
        print(json.dumps(run(env, leg, stream, folder)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
