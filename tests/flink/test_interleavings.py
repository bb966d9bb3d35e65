"""One set of events in many orders of arrival: the same bytes in every report, and the truth.

Each interleaving is the whole set at a time of its own, under keys of its own, in a random order,
a tenth of it twice; all of them are one run of the packaged application. SDP_INTERLEAVINGS=200 is
the long form, SDP_SEED=7 others.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from datagen import Generation, Settings
from glue.instants import to_millis, to_wire
from tests.flink import application
from usecases import load
from usecases.adtech import generator

INTERLEAVINGS = int(os.environ.get("SDP_INTERLEAVINGS", "5"))
SEED = int(os.environ.get("SDP_SEED", "1"))
EVENTS, LATE, DUPLICATES = 5_000, 0.02, 0.1
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
APART = timedelta(hours=1)
LATE_BY = timedelta(days=3)  # much more than event time may lag behind what was read
FIRST_CAMPAIGN, BLOCK = min(generator.CAMPAIGNS), 1_000_000  # campaigns of one interleaving
WARMING = 20_000
USE_CASE = load(("adtech",)).use_case("adtech")
NAMES = ("campaign_item_id", "period", "bids", "impressions", "clicks", "spend")
SHAPE = Settings(events=EVENTS, start=START, seed=SEED, rate=100.0, late=LATE, late_by=LATE_BY)
Event = dict[str, Any]
Report = list[tuple[Any, ...]]


def _distinct() -> tuple[list[Event], Report]:
    """The set, and what its reports have to say."""
    made = Generation(USE_CASE, generator, SHAPE)
    events = list(made)
    truth = made.truth()
    assert truth["dead_letters"]["late"] > EVENTS * LATE / 2
    return events, [tuple(p[n] for n in NAMES) for p in truth["periods"]["campaigns"]]


def _interleaving(number: int, events: list[Event]) -> Iterator[str]:
    """The lines of one: shifted in time and keys, a tenth of them twice, in any order."""
    random, shift = Random(f"{SEED} {number}"), number * APART
    chosen = [*events, *random.sample(events, int(len(events) * DUPLICATES))]
    random.shuffle(chosen)
    arrived = to_wire(START + shift + SHAPE.span)
    for event in chosen:
        at = to_wire(datetime.fromisoformat(event["occurred_at"]) + shift)
        moved = event | {"occurred_at": at, "received_at": arrived}
        moved |= {name: f"{number}/{event[name]}" for name in ("event_id", "tx_id")}
        if "campaign_item_id" in moved:
            moved["campaign_item_id"] += number * BLOCK
        yield _line(moved)


def _line(event: Event) -> str:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    return json.dumps({**event, "data": data, "shard_id": "shard-0"}) + "\n"


def _warming() -> Iterator[str]:
    """Bids of a minute before: event time has begun when the first event is read.

    The other task has nothing to read, and has ended by then.
    """
    at = to_wire(START - timedelta(minutes=1))
    bid = {"type": "bid", "app_uid": "a", "campaign_item_id": 0}
    for number in range(WARMING):
        names = dict.fromkeys(("event_id", "tx_id"), f"warming/{number}")
        yield _line({**bid, **names, "occurred_at": at, "received_at": at})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The folder of the run, and the truth of each interleaving."""
    folder = tmp_path_factory.mktemp("interleavings")
    source = folder / "data" / "adtech" / "bcns"
    source.mkdir(parents=True)
    events, expected = _distinct()
    # Flink reads a file that is compressed from its start to its end, and no part of it before.
    with gzip.open(source / "events.json.gz", "wt", compresslevel=1) as file:
        file.writelines(_warming())
        for number in range(INTERLEAVINGS):
            file.writelines(_interleaving(number, events))
    places = {"connector": "files", "files.path": str(folder / "data")}
    application.run(folder, "main.py", {"use_cases": "adtech", **places}, parallelism=2)
    return folder, expected


def _written(folder: Path, stream: str) -> Iterator[Event]:
    for path in sorted((folder / "data" / "adtech" / stream).rglob("*")):
        if path.is_file():
            with path.open() as file:
                yield from map(json.loads, file)


def test_reports_are_the_same_bytes_in_any_order_and_the_truth(run: tuple[Path, Report]) -> None:
    folder, expected = run
    newest: dict[tuple[int, int], Event] = {}
    for row in _written(folder, "aggregates"):
        key = row["campaign_item_id"], row["period"]
        if key not in newest or row["version"] > newest[key]["version"]:
            newest[key] = row
    reports: dict[int, Report] = {number: [] for number in range(INTERLEAVINGS)}
    for row in newest.values():
        number = (row["campaign_item_id"] - FIRST_CAMPAIGN) // BLOCK
        campaign = row["campaign_item_id"] - number * BLOCK
        period = row["period"] - number * int(APART.total_seconds())
        if number in reports:  # and not of the warming
            reports[number].append((campaign, period, *(row[name] for name in NAMES[2:])))
    contents = {json.dumps(sorted(rows)).encode() for rows in reports.values()}
    assert contents == {json.dumps(sorted(expected)).encode()}


def test_each_copy_and_each_late_event_is_a_dead_letter_of_its_own(
    run: tuple[Path, Report],
) -> None:
    folder, _ = run
    found = Counter(
        (row["event_id"].partition("/")[0], row["reason"])
        for row in _written(folder, "dead-letters")
    )
    events, _ = _distinct()
    late = {e["event_id"] for e in events if _is_late(e)}
    for number in range(INTERLEAVINGS):
        copied = Random(f"{SEED} {number}").sample(events, int(len(events) * DUPLICATES))
        late_copies = sum(e["event_id"] in late for e in copied)
        assert found[str(number), "late"] == len(late) + late_copies
        assert found[str(number), "duplicate"] == len(copied) - late_copies
    assert found.total() == INTERLEAVINGS * (len(late) + len(copied))


def _is_late(event: Event) -> bool:
    return to_millis(datetime.fromisoformat(event["occurred_at"])) < SHAPE.start_ms
