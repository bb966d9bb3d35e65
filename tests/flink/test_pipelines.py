"""Use cases of other shapes, each one folder, run by Flink from events to results.

The packaged application with their folders beside the platform's own, all three as one job; what it
writes equals what an oracle finds by force.
"""

import base64
import json
import shutil
import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from analytics_app.package import build
from sdpctl import new_use_case
from sdpctl.settings import ROOT
from tests.flink import application, pipelines
from tests.flink.pipelines import Made

FOLDER = Path(__file__).parents[1] / "usecases"
MADE = {"parcels": pipelines.parcels, "doors": pipelines.doors, "rides": pipelines.rides}
PAGE = "doormen"  # the use case of docs/use-cases.md under another name
PASSAGES = [
    {
        "type": "passage",
        "event_id": f"p{n % 50}",  # each twice
        "occurred_at": f"2026-11-21T10:{n % 50 // 5:02}:{n % 50:02}.000Z",
        "gate": f"g{n % 2}",
        "people": 1 + n % 50,
    }
    for n in range(100)
]
WRONG = {"type": "attempt", "event_id": "wrong", "occurred_at": "2026-11-21T10:00:00.000Z"}


def _record(event: dict) -> dict:
    fields = {"received_at": event["occurred_at"], **event}
    data = base64.b64encode(json.dumps(fields).encode()).decode()
    return {**fields, "data": data, "shard_id": "shard-0"}


def _write(folder: Path, use_case: str, stream: str, events: list[dict]) -> None:
    source = folder / "data" / use_case / stream
    source.mkdir(parents=True)
    lines = (json.dumps(_record(event)) + "\n" for event in events)
    (source / "events.json").write_text("".join(lines))


def _written(folder: Path, use_case: str, stream: str) -> list[dict]:
    files = sorted((folder / "data" / use_case / stream).rglob("*"))
    return [json.loads(row) for f in files if f.is_file() for row in f.read_text().splitlines()]


def _newest(rows: list[dict], *key: str) -> dict:
    ranked = sorted(rows, key=lambda r: r["version"])
    return {tuple(row[name] for name in key): row for row in ranked}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of the run, and what was made for each use case."""
    folder = tmp_path_factory.mktemp("pipelines")
    with zipfile.ZipFile(build()) as archive:
        archive.extractall(folder / "code")
    made: dict[str, tuple[Made, dict]] = {}
    for name, make in MADE.items():
        shutil.copytree(FOLDER / name, folder / "code" / "usecases" / name)
        one = make()
        made[name] = one, one.sent(seed=1)
        for stream, events in made[name][1].items():
            extra = [WRONG] if stream == "attempts" else []
            _write(folder, name, stream, events + extra)
    for path, text in new_use_case.files((ROOT / new_use_case.PAGE).read_text(), PAGE).items():
        (folder / "code" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "code" / path).write_text(text)
    _write(folder, PAGE, "passages", PASSAGES)
    places = {"connector": "files", "files.path": str(folder / "data")}
    names = ",".join([*MADE, PAGE])
    application.start(folder, "main.py", {"use_cases": names, **places})
    return folder, made


def test_a_correlation_counts_each_step_once_and_only_after_those_before_it(run):
    folder, made = run
    expected = pipelines.count_parcels(made["parcels"][0])
    newest = _newest(_written(folder, "parcels", "aggregates"), "shop", "period")
    counts = {k: (r["ordered"], r["sent"], r["turnover"]) for k, r in newest.items()}
    assert {k: v for k, v in counts.items() if any(v)} == expected.shops
    rows = _written(folder, "parcels", "sendings")
    assert {r["event_id"]: r for r in rows} == expected.sendings
    assert len(rows) == len(expected.sendings)


def test_what_a_correlation_refuses_is_in_its_dead_letters(run):
    folder, made = run
    one, sent = made["parcels"]
    letters = _written(folder, "parcels", "dead-letters")
    assert {r["event_id"] for r in letters if r["reason"] == "unmatched"} == (
        pipelines.count_parcels(one).unmatched
    )
    reasons = Counter(r["reason"] for r in letters)
    assert reasons["duplicate"] == pipelines.copies(sent["steps"])
    assert set(reasons) == {"unmatched", "duplicate"}


def test_a_pattern_is_found_in_the_order_of_event_time(run):
    folder, made = run
    rows = _written(folder, "doors", "entries")
    found = [
        (r["badge"], _moment(r["first_at"]), _moment(r["opened_at"]), r["refusals"]) for r in rows
    ]
    expected = {
        (badge, _moment(first), _moment(opened), refusals)
        for badge, first, opened, refusals in pipelines.forced_entries(made["doors"][0])
    }
    assert len(expected) > 10 and max(e[3] for e in expected) > 3
    assert sorted(found) == sorted(expected)


def test_a_malformed_event_of_any_pipeline_is_a_dead_letter(run):
    folder, _ = run
    (letter,) = _written(folder, "doors", "dead-letters")
    assert (letter["reason"], letter["field"], letter["event_id"]) == (
        "malformed",
        "/badge",
        "wrong",
    )
    assert letter["source"]["stream"] == "attempts"


def test_two_streams_are_joined_in_time(run):
    folder, made = run
    expected = pipelines.drives(made["rides"][0])
    rows = _written(folder, "rides", "drives")
    assert len(rows) == len(expected) > 100
    for row in rows:
        drive = expected[row["event_id"]]
        assert (row["ride"], row["zone"], row["fare"]) == (
            drive["ride"],
            drive["zone"],
            drive["fare"],
        )
        assert _moment(row["requested_at"]) == _moment(drive["requested"])
        assert _moment(row["picked_at"]) == _moment(drive["occurred_at"])


def test_reports_hold_decimals_exactly_and_the_newest_values(run):
    folder, made = run
    zones = _newest(_written(folder, "rides", "aggregates"), "zone", "period")
    assert {k: (r["rides"], r["fares"]) for k, r in zones.items()} == pipelines.zones(
        made["rides"][0]
    )
    fares = _newest(_written(folder, "rides", "last-fares"), "zone", "period")
    assert {k: (r["ride"], r["fare"]) for k, r in fares.items()} == pipelines.last_fares(
        made["rides"][0]
    )


def test_the_use_case_of_the_page_counts_each_event_once(run):
    folder, _ = run
    newest = _newest(_written(folder, PAGE, "aggregates"), "gate", "period")
    expected = Counter()
    for passage in PASSAGES[:50]:
        second = pipelines.at(passage) // 1000
        expected[passage["gate"], second - second % 300] += passage["people"]
    assert {key: row["people"] for key, row in newest.items()} == expected
    assert sum(row["version"] for row in newest.values()) == 50


def test_the_events_were_out_of_order_and_repeated(run):
    _, made = run
    for _, sent in made.values():
        for events in sent.values():
            assert not pipelines.in_order(events) and pipelines.copies(events)
