"""A savepoint of the running job restored after each change that people make to a use case.

One job of two use cases over Kinesis streams of the emulator is stopped in the middle, with open
keys, half counted buckets and requests that wait for their pickup. Each changed version of it
starts from that savepoint, reads what was put since, and must end where the oracle does: a count
continues where it was, a stage finds those before it, and a repeated event counts no more. The same
holds for three use cases, a pattern among them, whose task manager is killed in the middle.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sdpctl.local import aws, emulator
from sdpctl.settings import Settings
from tests import streams
from tests.flink import pipelines
from tests.flink.pipelines import Event, Row
from tests.flink.session import Cluster, session_cluster

FIXTURES = Path(__file__).parents[1] / "usecases"
SECONDS = 600
SHARDS = 2  # of attempts at doors
REPEATED = 10  # events of before the savepoint that are sent again after it
OPTIONS = {"execution.checkpointing.interval": "1 s"}
SOURCES = {"parcels": ("steps",), "rides": ("ride-requests", "pickups"), "doors": ("attempts",)}
RESULTS = {
    "parcels": ("sendings", "aggregates"),
    "rides": ("drives", "aggregates", "last-fares", "fare-changes"),
    "doors": ("entries",),
}
PLATFORM = ("progress", "dead-letters")

# What the job is before the change: rides with one report and no record.
BEFORE = [
    (
        "rides/__init__.py",
        "classes=(RideRequest, Pickup, Drive, Zone, LastFare)",
        "classes=(RideRequest, Pickup, LastFare)",
    )
]
FIELDS = [  # before the others of their events
    (
        "parcels/__init__.py",
        '    """A parcel was ordered."""\n',
        '    """A parcel was ordered."""\n\n    colour: Annotated[str | None, "Which."] = None\n',
    ),
    (
        "rides/__init__.py",
        '    """Somebody was picked up."""\n',
        '    """Somebody was picked up."""\n\n    tip: Annotated[float | None, "More."] = None\n',
    ),
]
# Both read what the old report reads, in part with the same operators, and come before it.
REPORT = [("rides/__init__.py", "Pickup, LastFare)", "Pickup, Zone, LastFare)")]
RECORD = [("rides/__init__.py", "Pickup, LastFare)", "Pickup, Drive, LastFare)")]
FILE = [
    (
        "rides/__init__.py",
        "USE_CASE = UseCase(",
        '''@record(key="zone", stream="fare-changes")
class FareChange:
    """The last fare of a zone has changed."""

    zone: Annotated[str, "The zone."]
    fare: Annotated[float, "The fare."]


USE_CASE = UseCase(''',
    ),
    ("rides/__init__.py", "Pickup, LastFare)", "Pickup, FareChange, LastFare)"),
    (
        "rides/pipeline/05_fare_changes.sql",
        "",
        """-- When does the last fare of a zone change?
-- Shows: an INSERT of the pipeline's own that reads a report's view and stands before it.
-- One row for each change.
INSERT INTO fare_changes
SELECT `zone`, `fare`
FROM fares_changelog
""",
    ),
]
Edits = list[tuple[str, str, str]]
CHANGES: dict[str, tuple[Edits, tuple[str, ...]]] = {
    "nothing": ([], ("parcels", "rides")),
    "a field": (FIELDS, ("parcels", "rides")),
    "a report": (REPORT, ("parcels", "rides")),
    "a record": (RECORD, ("parcels", "rides")),
    "a pipeline file": (FILE, ("parcels", "rides")),
    "a use case": ([], ("doors", "parcels", "rides")),
}
KILLED = "killed"


@dataclass
class Stopped:
    """The cluster, and the savepoint of the job that ran on it."""

    settings: Settings
    cluster: Cluster
    savepoint: str
    made: Mapping[str, pipelines.Made]
    sources: str = ""
    """What the names of the streams of events begin with."""
    before: str = "nothing"
    """The version that wrote results before the savepoint."""

    def put(self, use_case: str, stream: str, events: list[Event]) -> None:
        """Puts events as ingestion does."""
        for event in events:
            data = json.dumps({"received_at": event["occurred_at"], **event})
            name = f"{self.sources}{use_case}-{stream}"
            self._kinesis.put_record(StreamName=name, Data=data, PartitionKey=event["event_id"])

    def start(self, change: str, savepoint: str) -> str:
        """Starts the version with a change; returns its job."""
        edits, use_cases = CHANGES.get(change, CHANGES["a use case"])
        code = change.replace(" ", "-")
        self._write(code, [*BEFORE, *edits])
        properties = {"use_cases": ",".join(use_cases), "region": self.settings.region}
        for use_case in use_cases:
            properties |= self._streams(use_case, code)
        groups = [{"PropertyGroupId": "sdp", "PropertyMap": properties}]
        (self.cluster.folder / "properties.json").write_text(json.dumps(groups))
        answer = self.cluster.submit(code, savepoint)
        assert answer.status_code == 200, answer.text[-3000:] + self.cluster.log()
        return str(answer.json()["jobid"])

    def _write(self, code: str, edits: Edits) -> None:
        folder = self.cluster.folder / code
        shutil.copytree(self.cluster.folder / "code", folder)
        for name in SOURCES:
            shutil.copytree(FIXTURES / name, folder / "usecases" / name)
        for path, old, new in edits:
            file = folder / "usecases" / path
            text = file.read_text() if file.exists() else ""
            assert old in text, f"{path} has no {old!r}"
            file.write_text(text.replace(old, new, 1))

    def _streams(self, use_case: str, code: str) -> dict[str, str]:
        names = {s: f"{self.sources}{use_case}-{s}" for s in SOURCES[use_case]}
        names |= {s: f"{code}-{use_case}-{s}" for s in (*RESULTS[use_case], *PLATFORM)}
        shards = {s: SHARDS for s in SOURCES[use_case] if use_case == "doors"}
        return {
            f"stream.{use_case}.{s}": self._created(name, shards.get(s, 1))
            for s, name in names.items()
        }

    def _created(self, name: str, shards: int) -> str:
        if name not in self._kinesis.list_streams()["StreamNames"]:
            self._kinesis.create_stream(StreamName=name, ShardCount=shards)
            self._kinesis.get_waiter("stream_exists").wait(StreamName=name)
        described = self._kinesis.describe_stream_summary(StreamName=name)
        return str(described["StreamDescriptionSummary"]["StreamARN"])

    def newest(self, change: str, use_case: str, stream: str, *key: str) -> dict[Any, Row]:
        """The newest row of each key that was written before the savepoint or by a change."""
        rows = [
            row
            for code in {self.before, change.replace(" ", "-")}
            for row in self.written(f"{code}-{use_case}-{stream}")
        ]
        rows.sort(key=lambda row: row["version"])
        return {tuple(row[name] for name in key): row for row in rows}

    def written(self, stream: str) -> list[Row]:
        """All rows of a stream."""
        if stream not in self._kinesis.list_streams()["StreamNames"]:
            return []
        return list(streams.rows(self._kinesis, stream))

    def await_that(self, holds: Callable[[], bool], job: str, seen: Callable[[], Any]) -> None:
        """Waits until something holds, while a job runs."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            state = self.cluster.http.get(f"/jobs/{job}").raise_for_status().json()["state"]
            if state in ("FAILED", "CANCELED", "FINISHED") or time.monotonic() > deadline:
                problem = self.cluster.http.get(f"/jobs/{job}/exceptions").json()
                pytest.fail(f"{state}: {seen()}\n{json.dumps(problem)[:6000]}")
            time.sleep(0.5)

    @property
    def _kinesis(self) -> Any:
        return aws.client(self.settings, "kinesis")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopped]:
    """The job stopped in the middle of its events, and the other half in its streams."""
    folder = tmp_path_factory.mktemp("restoring")
    (folder / "cluster").mkdir()
    made = {"parcels": pipelines.parcels(80), "rides": pipelines.rides(120)}
    with emulator.alone(folder / "emulator") as settings:
        surroundings = settings.aws_environment()
        with session_cluster(folder / "cluster", {}, surroundings, OPTIONS) as cluster:
            running = Stopped(settings, cluster, "", made)
            job = running.start("nothing", "")
            later = dict(_halves(running))
            running.await_that(lambda: _is_half_counted(running), job, lambda: _fares(running))
            running.savepoint = cluster.stop(job)
            for (use_case, stream), events in later.items():
                running.put(use_case, stream, events)
            yield running


def _halves(running: Stopped) -> Iterator[tuple[tuple[str, str], list[Event]]]:
    """Puts the first half of each stream's events; what is left, after some that are repeated."""
    for use_case, made in running.made.items():
        for stream, events in made.sent(seed=2).items():
            half = len(events) // 2
            running.put(use_case, stream, events[:half])
            yield (use_case, stream), events[half - REPEATED : half] + events[half:]


def _fares(running: Stopped, change: str = "") -> dict[Any, tuple[Any, ...]]:
    rows = running.newest(change or running.before, "rides", "last-fares", "zone", "period")
    return {key: (row["ride"], row["fare"], row["version"]) for key, row in rows.items()}


def _shops(running: Stopped, change: str = "") -> dict[Any, tuple[Any, ...]]:
    rows = running.newest(change or running.before, "parcels", "aggregates", "shop", "period")
    counts = {k: (r["ordered"], r["sent"], r["turnover"]) for k, r in rows.items()}
    return {key: count for key, count in counts.items() if any(count)}


def _is_half_counted(running: Stopped) -> bool:
    """Whether each kind of state has something that the second half belongs to."""
    return len(_fares(running)) > 4 and len(_shops(running)) > 3


def _expected_fares(made: pipelines.Made) -> dict[Any, tuple[Any, ...]]:
    counts = pipelines.zones(made)
    return {key: (*last, counts[key][0]) for key, last in pipelines.last_fares(made).items()}


@pytest.mark.parametrize("change", list(CHANGES)[1:])
def test_what_was_open_is_continued_after(stopped: Stopped, change: str) -> None:
    shops = pipelines.count_parcels(stopped.made["parcels"]).shops
    fares = _expected_fares(stopped.made["rides"])
    assert _fares(stopped) != fares and _shops(stopped) != shops, "nothing was open"
    job = stopped.start(change, stopped.savepoint)
    try:
        stopped.await_that(
            lambda: _shops(stopped, change) == shops and _fares(stopped, change) == fares,
            job,
            lambda: (_differences(_shops(stopped, change), shops), _fares(stopped, change), fares),
        )
        if change == "a use case":
            return
        added = {"a report": "aggregates", "a record": "drives", "a pipeline file": "fare-changes"}
        if stream := added.get(change):
            name = f"{change.replace(' ', '-')}-rides-{stream}"
            stopped.await_that(lambda: bool(stopped.written(name)), job, lambda: name)
    finally:
        stopped.cluster.cancel(job)


def test_three_use_cases_are_continued_after_a_kill(stopped: Stopped) -> None:
    """Each is in the middle of its events; the rest is put when the task manager is gone."""
    made = {**stopped.made, "doors": pipelines.doors()}
    running = replace(stopped, made=made, sources="killed-", before=KILLED)
    job = running.start(KILLED, "")
    try:
        later = dict(_halves(running))
        running.await_that(
            lambda: (
                _is_half_counted(running) and len(_entries(running)) > 3 and _saved(running, job)
            ),
            job,
            lambda: (_shops(running), _fares(running), _entries(running)),
        )
        running.cluster.task_manager.replace()
        attempts = later.pop(("doors", "attempts")) + pipelines.last_attempts(made["doors"])
        for (use_case, stream), events in later.items():
            running.put(use_case, stream, events)
        for shard in range(SHARDS):  # one is at its end before another goes on: no event is late
            running.put("doors", "attempts", [e for e in attempts if _shard(e) == shard])
        expected = (
            pipelines.count_parcels(made["parcels"]).shops,
            _expected_fares(made["rides"]),
            pipelines.forced_entries(made["doors"]),
        )
        running.await_that(
            lambda: (_shops(running), _fares(running), _entries(running)) == expected,
            job,
            lambda: (_shops(running), _fares(running), _entries(running), expected),
        )
        checkpoints = running.cluster.http.get(f"/jobs/{job}/checkpoints").json()
        assert checkpoints["latest"]["restored"], "the job was not restored"
        # those that are repeated are behind others of before the kill that are read again
        known = {e["event_id"] for e in attempts[:REPEATED]}
        assert _late(running).keys() <= known
        late = pipelines.late_attempts(made["doors"])
        assert {_shard(e) for e in late} == set(range(SHARDS))
        running.put("doors", "attempts", late)
        ids = Counter(e["event_id"] for e in late)
        running.await_that(
            lambda: {i: n for i, n in _late(running).items() if i not in known} == ids,
            job,
            lambda: (_late(running), ids),
        )
        assert _entries(running) == expected[-1]
    finally:
        running.cluster.cancel(job)


def _entries(running: Stopped) -> set[pipelines.Entry]:
    return {pipelines.entry(row) for row in running.written(f"{KILLED}-doors-entries")}


def _late(running: Stopped) -> Counter[str]:
    """The ids of the attempts that came too late."""
    letters = running.written(f"{KILLED}-doors-dead-letters")
    return Counter(row["event_id"] for row in letters if row["reason"] == "late")


def _shard(event: Event) -> int:
    """The shard that Kinesis puts an event into, by its id."""
    hashed = int.from_bytes(hashlib.md5(event["event_id"].encode(), usedforsecurity=False).digest())
    return hashed * SHARDS >> 128


def _saved(running: Stopped, job: str) -> bool:
    """Whether the job has a checkpoint."""
    found = running.cluster.http.get(f"/jobs/{job}/checkpoints").raise_for_status().json()
    return bool(found["counts"]["completed"])


def _differences(found: dict[Any, Any], expected: dict[Any, Any]) -> dict[Any, Any]:
    keys = found.keys() | expected.keys()
    return {k: (found.get(k), expected.get(k)) for k in keys if found.get(k) != expected.get(k)}
