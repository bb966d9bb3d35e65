"""The running application restored at another parallelism, as autoscaling does: nothing is lost.

The whole job of a use case over Kinesis streams of the emulator, in the worker's own configuration,
killed and restored from its newest checkpoint at 1, 2, 1 and 3 subtasks, in a folder with a long
path: RocksDB names its log after the path.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_app.package import build
from datagen import Event, Generation
from datagen import Settings as Generated
from glue.targets.dynamodb import KeyAttribute
from glue.targets.flink import HEARTBEAT
from sdpctl.local import aws, emulator, flink_config
from sdpctl.local.applications import Application
from sdpctl.local.flink_worker import FlinkWorker
from sdpctl.local.processes import free_port, last_lines
from sdpctl.settings import Settings
from tests import streams
from tests.unit.lambdas.tables import create_table
from usecases.adtech import USE_CASE, generator

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
PARALLELISM = (1, 2, 1, 3)
SECONDS = 900
SHARDS = 2
STREAMS = ("bcns", "impressions", "clicks", "transactions", "aggregates", "dead-letters")
PROGRESS = "progress"
MODELS = "models"  # none is in it
MODELS_KEY = (KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
LONG = "a-folder-whose-name-is-so-long-that-a-file-cannot-be-named-after-its-path"


@dataclass
class Job:
    """The application on this machine, and its streams."""

    settings: Settings
    worker: FlinkWorker
    application: Application
    kills: int = 0
    """How often the worker may find the job dead."""

    def run(self, parallelism: int) -> None:
        """Starts it at this parallelism; one that runs is killed, and goes on from its state."""
        self.application = replace(self.application, parallelism=parallelism)
        self.worker.follow(self.application)

    def plans(self) -> dict[str, int]:
        """When the plan of each parallelism so far was written."""
        files = self.worker.home.glob("version-1/plans/*")
        return {path.name: path.stat().st_mtime_ns for path in files}

    def kill(self) -> None:
        """`kill -9` of the JVM that runs the job."""
        process = self.worker.service.process()
        assert process
        assert "sdp.local.PlanRunner" in process.cmdline(), "it is still planned"
        process.kill()
        process.wait(10)
        self.kills += 1

    def put(self, records: list[Event]) -> None:
        """Puts records as ingestion does."""
        for start in range(0, len(records), 500):
            entries = [
                {"Data": json.dumps(_stored(r)), "PartitionKey": r["tx_id"]}
                for r in records[start : start + 500]
            ]
            while entries:
                answer = self._kinesis.put_records(StreamName="bcns", Records=entries)
                answers = zip(entries, answer["Records"], strict=True)
                entries = [entry for entry, result in answers if "ErrorCode" in result]

    def beat(self, at: datetime) -> None:
        """Puts a heartbeat into every shard."""
        record = {"type": HEARTBEAT, "event_id": "h", "occurred_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z"}
        for shard in self._shards("bcns"):
            first = shard["HashKeyRange"]["StartingHashKey"]
            entry = {"Data": json.dumps(_stored(record)), "PartitionKey": "h"}
            self._kinesis.put_record(StreamName="bcns", ExplicitHashKey=first, **entry)

    def written(self, stream: str) -> list[dict[str, Any]]:
        """All that the job has written into a stream."""
        return list(streams.rows(self._kinesis, stream))

    def _shards(self, stream: str) -> list[dict[str, Any]]:
        shards: list[dict[str, Any]] = self._kinesis.list_shards(StreamName=stream)["Shards"]
        return shards

    def await_that(self, holds: Callable[[], bool], what: str) -> None:
        """Waits until something holds, while the job runs."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            self.worker.follow(self.application)
            log = last_lines(self.worker.service.log, 40)
            assert self.worker.restarts <= self.kills, f"{what}: the job has ended\n{log}"
            assert time.monotonic() < deadline, f"{what}\n{log}"
            time.sleep(0.5)

    def await_checkpoint(self) -> None:
        """Waits until what has been seen is in a checkpoint."""
        before = self._checkpoint()
        self.await_that(lambda: self._checkpoint() >= before + 2, "no checkpoint is completed")

    def _checkpoint(self) -> int:
        newest = flink_config.newest_checkpoint(self.worker.home / "checkpoints")
        return int(newest.name.removeprefix("chk-")) if newest else 0

    @property
    def _kinesis(self) -> Any:
        return aws.client(self.settings, "kinesis")


def _stored(record: Event) -> Event:
    return {"received_at": record["occurred_at"], **record}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """The packaged application in the emulator, which is ended with the tests."""
    home = tmp_path_factory.mktemp("rescaling") / LONG / LONG
    home.mkdir(parents=True)
    ports = {f"SDP_{name}_PORT": str(free_port()) for name in ("EMULATOR", "FLINK", "SAGEMAKER")}
    settings = Settings.load({**os.environ, **ports, "SDP_HOME": str(home)})
    worker = FlinkWorker(settings, "rescaled")
    try:
        emulator.start(settings)
        yield Job(settings, worker, _deployed(settings))
    finally:
        worker.service.kill()
        emulator.service(settings).kill()


def _deployed(settings: Settings) -> Application:
    s3, kinesis = aws.client(settings, "s3"), aws.client(settings, "kinesis")
    s3.create_bucket(Bucket="code-of-the-application")
    s3.put_object(Bucket="code-of-the-application", Key="code.zip", Body=build().read_bytes())
    group = {"use_cases": USE_CASE.name, "region": settings.region}
    for stream in (*STREAMS, PROGRESS):
        kinesis.create_stream(StreamName=stream, ShardCount=SHARDS)
        kinesis.get_waiter("stream_exists").wait(StreamName=stream)
        described = kinesis.describe_stream_summary(StreamName=stream)
        arn = described["StreamDescriptionSummary"]["StreamARN"]
        group[f"stream.{USE_CASE.name}.{stream}"] = arn
    create_table(aws.client(settings, "dynamodb"), MODELS, *MODELS_KEY)
    group[f"definitions.{USE_CASE.name}"] = MODELS
    properties = (("sdp", tuple(sorted(group.items()))),)
    return Application("rescaled", 1, True, "code-of-the-application", "code.zip", 1, properties)


@pytest.fixture(scope="module")
def generation() -> Generation:
    """Events with repetitions and with what nothing matches."""
    settings = Generated(
        events=2000,
        start=START,
        rate=20.0,
        duplicates=0.1,
        shuffle=timedelta(seconds=4),
        unmatched=0.02,
    )
    return Generation(USE_CASE, generator, settings)


@pytest.fixture(scope="module")
def rescaled(job: Job, generation: Generation) -> Job:
    """The job after all events, a part of them at each parallelism."""
    events = list(generation)
    size = -(-len(events) // len(PARALLELISM))
    for part, parallelism in enumerate(PARALLELISM):
        job.run(parallelism)
        job.put(events[part * size : (part + 1) * size])
        sent = events[: (part + 1) * size]
        bids = len({e["tx_id"] for e in sent if e["type"] == "bid"})
        job.await_that(
            lambda bids=bids: sum(r["bids"] for r in _newest(job).values()) == bids,
            f"{bids} bids are not counted at parallelism {parallelism}",
        )
        job.await_checkpoint()
    for hours in (4, 5):
        job.beat(START + timedelta(hours=hours))
        job.await_that(lambda: bool(job.written("transactions")), "no key is closed")
    matched = generation.truth()["outcomes"]["bid"]["matched"]
    job.await_that(lambda: len(_ids(job, "transactions", "tx_id")) == matched, "keys are open")
    refused = sum(_refused(generation).values())
    job.await_that(lambda: len(_ids(job, "dead-letters", "id")) == refused, "dead letters miss")
    job.await_that(lambda: bool(job.written(PROGRESS)), "no progress is reported")
    return job


def _newest(job: Job) -> dict[tuple[int, int], dict[str, Any]]:
    rows = sorted(job.written("aggregates"), key=lambda row: row["version"])
    return {(row["campaign_item_id"], row["period"]): row for row in rows}


def _refused(generation: Generation) -> dict[str, int]:
    letters = generation.truth()["dead_letters"]
    return {reason: letters[reason] for reason in ("duplicate", "unmatched")}


def _ids(job: Job, stream: str, name: str) -> set[str]:
    return {row[name] for row in job.written(stream)}


def test_reports_equal_the_truth(rescaled: Job, generation: Generation) -> None:
    names = ("campaign_item_id", "period", "bids", "impressions", "clicks", "spend")
    found = {tuple(row[n] for n in names) for row in _newest(rescaled).values()}
    truth = generation.truth()["periods"]["campaigns"]
    assert found == {tuple(p[n] for n in names) for p in truth}


def test_each_record_has_one_outcome(rescaled: Job, generation: Generation) -> None:
    truth = generation.truth()
    for stream, kind in (("impressions", "imp"), ("clicks", "click")):
        assert len(_ids(rescaled, stream, "tx_id")) == truth["outcomes"][kind]["matched"]
    letters = {row["id"]: row for row in rescaled.written("dead-letters")}.values()
    assert Counter(row["reason"] for row in letters) == _refused(generation)


def test_a_killed_job_goes_on_from_its_plan_and_plans_again_where_that_is_damaged(
    rescaled: Job,
) -> None:
    """After the others: the job has 3 subtasks, and its plan is the newest."""
    before = rescaled.plans()
    assert len(before) == len(set(PARALLELISM)), "the second start with 1 subtask has the first's"
    rescaled.kill()
    rescaled.await_checkpoint()
    assert rescaled.plans() == before
    newest = max(before, key=before.__getitem__)
    (rescaled.worker.home / "version-1" / "plans" / newest).write_bytes(b"no plan")
    rescaled.kill()
    rescaled.kills += 1  # by the plan that cannot be read
    rescaled.await_checkpoint()
    assert list(rescaled.plans()) == [newest], "a job without a checkpoint forgets its plans"
