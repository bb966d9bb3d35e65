"""The door and persist before an emulator that fails requests and is killed, from a seed.

What the door calls accepted is in the stream, whatever became of its requests; what persist has
written is the newest of each row, and the total of a key is the sum of its rows.
`SDP_SEED=7 SDP_FAULTS=400` is another run, and a longer one.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from fastapi.testclient import TestClient

import usecases
from glue.targets import dynamodb
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.kinesis import KinesisStream
from lambdas.ingest.app import create_app
from lambdas.ingest.handler import DeployedStreams
from lambdas.persist.stream import StreamRecord
from lambdas.persist.writing import Persist
from lambdas.settings import Settings as FunctionSettings
from lambdas.tables import Tables
from sdpctl import clock
from sdpctl.local import emulator, files
from sdpctl.settings import Settings
from tests import streams
from tests.unit.lambdas.made_up import CATALOG, PROGRESS_TABLE, TABLES
from tests.unit.lambdas.tables import create_tables

SEED = int(os.environ.get("SDP_SEED", "1"))
FAULTS = int(os.environ.get("SDP_FAULTS", "24"))
KINDS = {
    "kinesis": ("refuse", "lose", "part", "twice", "reverse", "delay"),
    "dynamodb": ("refuse", "lose", "delay"),
}
ROUNDS = 1000  # at most, until everything is accepted


class Faults:
    """Faults of one service that its next requests meet with, all kinds; a kill now and then."""

    def __init__(self, settings: Settings, service: str) -> None:
        self.settings, self.service = settings, service
        self.random = Random(f"{service} {SEED}")
        self.kills, self._number = 0, 0
        self._kinds: list[str] = []
        self._file = settings.home / "emulator" / "state" / "faults.json"
        self._start = self._log()

    def next(self) -> None:
        """The next fault; every twentieth is a kill."""
        self._number += 1
        if self._number % 20 == 10:
            self._kill()
            return
        if not self._kinds:
            self._kinds = self.random.sample(KINDS[self.service], len(KINDS[self.service]))
        kind = self._kinds.pop()
        fault = {"number": f"{self.service}-{self._number}", "service": self.service, "kind": kind}
        more = {"action": "", "count": self.random.randint(1, 2), "seconds": 0.2}
        files.write(self._file, json.dumps([fault | more]))

    def end(self) -> None:
        """No more."""
        self._file.unlink(missing_ok=True)

    def met(self) -> Counter[str]:
        """How many requests have met with each kind."""
        lines = self._log()[len(self._start) :]
        return Counter(re.findall(rf"fault {self.service}-\d+: (\w+) ", lines))

    def _kill(self) -> None:
        process = emulator.service(self.settings).process()
        assert process
        process.kill()
        process.wait(30)
        emulator.start(self.settings)
        self.kills += 1

    def _log(self) -> str:
        return emulator.service(self.settings).log.read_text(errors="replace")


def _client(settings: Settings, service: str, **config: Any) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=2, read_timeout=5, **config),
    )


@pytest.fixture
def kinesis(mortal: Settings) -> Iterator[Any]:
    client = _client(mortal, "kinesis", retries={"total_max_attempts": 1})
    client.create_stream(StreamName="faulty", ShardCount=2)
    yield client
    client.delete_stream(StreamName="faulty")


def test_what_the_door_accepts_is_in_the_stream(mortal: Settings, kinesis: Any) -> None:
    stream = DeployedStreams(
        KinesisStream(kinesis, budget_seconds=0.3),
        FunctionSettings(streams={"adtech/bcns": "faulty"}),
    )
    door = TestClient(create_app(catalog=usecases.load(), stream=stream, clock=clock.now))
    faults, accepted, sent = Faults(mortal, "kinesis"), set[str](), 0
    for number in range(FAULTS):
        faults.next()
        left = [f"{number}-{n}" for n in range(faults.random.randint(1, 30))]
        sent += len(left)
        for _ in range(ROUNDS):
            taken = _accepted(door, left)
            accepted |= taken
            left = [name for name in left if name not in taken]
            if not left:
                break
    faults.end()
    stored = Counter(row["event_id"] for row in streams.rows(kinesis, "faulty"))
    met = faults.met()
    print(f"SDP_SEED={SEED} SDP_FAULTS={FAULTS}: {dict(met)}, {faults.kills} kills")
    assert accepted == stored.keys()
    assert len(accepted) == sent
    assert met.keys() == set(KINDS["kinesis"])
    assert faults.kills
    assert max(stored.values()) > 1  # what was stored with its answer lost is there again


def _accepted(door: TestClient, names: list[str]) -> set[str]:
    clicks = [{"type": "click", "event_id": name, "tx_id": name} for name in names]
    answer = door.post("/events", json=clicks)
    assert answer.status_code in (202, 207, 503), answer.text
    return {r["event_id"] for r in answer.json()["results"] if r["status"] == "accepted"}


class _Nowhere:
    """No dead letter is expected."""

    def put(self, stream: str, entries: Any) -> list[str | None]:
        raise AssertionError(f"dead letters: {entries}")


def test_what_persist_writes_is_the_newest_and_totals_are_sums(mortal: Settings) -> None:
    client = _client(mortal, "dynamodb", retries={"total_max_attempts": 1})
    create_tables(client)
    store = DynamoStore(client)
    persist = Persist(
        catalog=CATALOG,
        tables=Tables(TABLES, PROGRESS_TABLE),
        store=store,
        letters=_Nowhere(),
        dead_letters={"factory": "none"},
        clock=clock.now,
    )
    faults, newest = Faults(mortal, "dynamodb"), dict[tuple[str, int], int]()
    for number in range(FAULTS):
        faults.next()
        batch = [_row(faults.random) for _ in range(faults.random.randint(1, 20))]
        for name, bucket, version in batch:
            newest[name, bucket] = max(version, newest.get((name, bucket), 0))
        _deliver(persist, number, batch)
        (name, bucket, _) = batch[-1]
        assert _version(store, name, bucket) == newest[name, bucket]
    faults.end()
    met = faults.met()
    print(f"SDP_SEED={SEED} SDP_FAULTS={FAULTS}: {dict(met)}, {faults.kills} kills")
    assert {key: _version(store, *key) for key in newest} == newest
    for name in {name for name, _ in newest}:
        sums = sum(version for (owner, _), version in newest.items() if owner == name)
        total = store.get("t-machines", dynamodb.total_key(CATALOG.use_cases[0].reports[0], name))
        assert total and int(total["readings"]["N"]) == sums
    assert met.keys() == set(KINDS["dynamodb"])
    assert faults.kills


def _row(random: Random) -> tuple[str, int, int]:
    return f"m{random.randint(0, 2)}", 300 * random.randint(0, 3), random.randint(1, 1000)


def _deliver(persist: Persist, number: int, batch: list[tuple[str, int, int]]) -> None:
    """Until nothing is left undone, as Kinesis does."""
    records = [
        StreamRecord(
            "factory", "aggregates", "t-aggregates", "shardId-1", f"{number}-{n}", _data(*row)
        )
        for n, row in enumerate(batch)
    ]
    for _ in range(ROUNDS):
        undone = persist(records)
        records = [record for record in records if record.sequence_number in undone]
        if not records:
            return
    raise AssertionError(f"not written in {ROUNDS} rounds: {records}")


def _data(name: str, bucket: int, version: int) -> bytes:
    row = {"machine": name, "bucket": bucket, "readings": version, "watts": -version}
    return json.dumps({**row, "version": version, "generation": 0}).encode()


def _version(store: DynamoStore, name: str, bucket: int) -> int:
    item = store.get("t-machines", {"machine": {"S": name}, "bucket": {"N": str(bucket)}})
    return int(item["version"]["N"]) if item else 0
