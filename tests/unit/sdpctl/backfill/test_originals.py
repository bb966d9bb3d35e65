"""The lake's original records: chosen, counted, and put in order."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glue.instants import to_wire
from sdpctl.backfill import originals
from sdpctl.backfill.originals import Originals
from sdpctl.backfill.plan import Span, plan
from sdpctl.lake import LakeObject, Partition
from sdpctl.settings import ROOT
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
SHOPPING = plan(Span(START, START + timedelta(hours=1)), USE_CASE.configured({}), remembers=True)
PLAN = plan(Span(START, START + timedelta(hours=1)), USE_CASE.configured({}))
KEYS = {"sold": "order_id"}
OBJECT = LakeObject(Partition("2026-11-21", "10", "s3://b/x/"), "b", "x/a.gz", 100)


def line(name: str, minutes: float = 0, delay: float = 1, **fields: Any) -> bytes:
    """A record of that many minutes after the start, received `delay` seconds later."""
    moment = START + timedelta(minutes=minutes)
    times = {
        "occurred_at": to_wire(moment),
        "received_at": to_wire(moment + timedelta(seconds=delay)),
    }
    return json.dumps({"type": "sold", "event_id": name, **times, **fields}).encode()


def names(rows: list[bytes]) -> list[str]:
    """Which records the rows are."""
    return [json.loads(row.split(b"\t")[4])["event_id"] for row in rows]


def read(
    *found: bytes, late: dict[bytes, int | None] | None = None
) -> tuple[list[str], originals.Counted]:
    """The names of the records that are computed with, and the counts."""
    collected = Originals(PLAN, KEYS, late or {})
    rows = list(collected.rows(OBJECT, io.BytesIO(b"\n".join(found))))
    return names(rows), collected.counted


def test_records_of_the_plans_times_are_taken_and_the_others_counted() -> None:
    taken, counted = read(line("a"), line("early", minutes=-181), line("x", -999))
    assert taken == ["a"]
    assert (counted.records, counted.elsewhere, counted.files, counted.bytes) == (1, 2, 1, 100)


def test_what_no_job_could_count_is_left_out() -> None:
    """Neither JSON nor an object, without a time, or dated after the hour of its delivery."""
    future = line("future", minutes=100)
    taken, counted = read(b"not json", b"[1]", b'{"type":"sold"}', future, line("a"), b"")
    assert taken == ["a"]
    assert counted.malformed == 4


def test_heartbeats_tell_how_far_the_delivery_is() -> None:
    beats = [line("h", minutes=n, type="heartbeat") for n in (3, 5, 4)]
    taken, counted = read(*beats)
    assert taken == []
    assert counted.newest_heartbeat == START + timedelta(minutes=5)


def test_a_record_that_came_too_late_is_left_out_and_its_repetition_in_time_is_not() -> None:
    """The dead letter has its bytes, the time of receipt among them."""
    late = line("a", delay=9000)
    payload = base64.b64encode(late).decode()
    letters = [
        json.dumps({"reason": "late", "payload": payload}),
        json.dumps({"reason": "duplicate", "payload": base64.b64encode(line("b")).decode()}),
        json.dumps({"reason": "late", "payload": None}),
    ]
    found = originals.late_records([io.BytesIO("\n".join(letters).encode())])
    taken, counted = read(line("a"), late, line("b"), late, late=found)
    assert taken == ["a", "b"]
    assert counted.late == 2


def test_a_late_record_that_may_change_what_follows_is_late_again_where_the_job_had_come_to(
    tmp_path: Path,
) -> None:
    """A heartbeat brings event time there; of one instant it is before all else."""
    late, other = line("late", minutes=1, delay=300), line("unplaced", minutes=1, delay=301)
    detail = "occurred 2 min before the event time that the stream had reached ({}): and so on"
    reached = START + timedelta(minutes=3)
    letters = [
        {"reason": "late", "payload": base64.b64encode(late).decode()}
        | {"detail": detail.format(to_wire(reached))},
        {"reason": "late", "payload": base64.b64encode(other).decode(), "detail": "another text"},
    ]
    found = originals.late_records([io.BytesIO("\n".join(map(json.dumps, letters)).encode())])
    collected = Originals(SHOPPING, KEYS, found)
    events = [late, other, line("at", minutes=3, delay=0), line("a", minutes=2), line("b", 4)]
    rows, target = tmp_path / "rows", tmp_path / "x.json.gz"
    originals.write(collected.rows(OBJECT, io.BytesIO(b"\n".join(events))), rows)
    originals.in_order(rows, target, SHOPPING.lateness)
    ordered = [json.loads(one) for one in gzip.decompress(target.read_bytes()).splitlines()]
    assert [e["event_id"] for e in ordered] == ["a", "heartbeat", "at", "late", "b"]
    assert ordered[1]["occurred_at"] == to_wire(reached + timedelta(seconds=5))
    assert (collected.counted.late, collected.counted.unplaced) == (2, 1)


@pytest.mark.parametrize("operator", ["patterns/Evaluation", "decisions/Deciding"])
def test_what_was_reached_is_read_from_the_details_that_the_operators_write(operator: str) -> None:
    source = ROOT / f"analytics_app/jvm/src/main/java/sdp/{operator}.java"
    [template] = re.findall(r'"(occurred %s before [^"]*)"', source.read_text())
    detail = template.replace("%s", "2 min", 1).replace("%s", "2026-11-21T10:03:00.250Z")
    assert originals.reached({"detail": detail}) == 1795255380250
    assert originals.reached({"detail": template}) is None
    assert originals.reached({}) is None


def test_records_without_anything_between_them_are_told_apart() -> None:
    inside = line("in }{ side")
    taken, _ = read(line("a") + inside + line("b"), inside)
    assert taken == ["a", "in }{ side", "b", "in }{ side"]


def test_the_rate_is_that_of_the_arrival() -> None:
    _, counted = read(*(line(str(n), minutes=n) for n in range(11)))
    assert counted.rate == 11 / 600
    assert read(line("a"))[1].rate is None


def test_lines_are_in_the_order_of_event_time_then_receipt_and_as_they_were(tmp_path: Path) -> None:
    spaced = line("b", minutes=1).replace(b'"type": ', b'"type" :\t')
    quoted = line('quote " \\ , ', minutes=2)
    found = [quoted, line("c", minutes=1, delay=9), spaced, line("a")]
    lines = ordered(tmp_path, *found)
    assert [json.loads(one)["event_id"] for one in lines] == ["a", "b", "c", 'quote " \\ , ']
    assert lines[3] == quoted


def test_records_of_one_key_stay_in_the_order_in_which_they_were_received(tmp_path: Path) -> None:
    """The first of two competitors counts; in one request their order in the object decides."""
    found = [
        line("2nd", minutes=3, delay=300, order_id="x"),
        line("other", minutes=4),
        line("1st", minutes=5, delay=60, order_id="x"),
        line("4th", minutes=8, delay=9, order_id="y"),
        line("3rd", minutes=7, delay=9, order_id="y"),
        line("same 1st", minutes=11, delay=0, order_id="z"),
        line("same 2nd", minutes=10, delay=60, order_id="z"),
    ]
    names = [json.loads(one)["event_id"] for one in ordered(tmp_path, *found)]
    assert names == ["other", "1st", "2nd", "3rd", "4th", "same 1st", "same 2nd"]


def test_no_record_waits_for_longer_than_the_lateness(tmp_path: Path) -> None:
    found = [
        line("ahead", minutes=40, delay=0, order_id="x"),
        line("old", minutes=5, delay=3600, order_id="x"),
        line("between", minutes=20),
    ]
    names = [json.loads(one)["event_id"] for one in ordered(tmp_path, *found)]
    assert names == ["old", "between", "ahead"]


def ordered(folder: Path, *found: bytes) -> list[bytes]:
    """The records in the order in which they are computed with; the lateness is 10 minutes."""
    collected = Originals(PLAN, KEYS, {})
    rows, target = folder / "rows", folder / "x.json.gz"
    originals.write(collected.rows(OBJECT, io.BytesIO(b"\n".join(found))), rows)
    originals.in_order(rows, target, timedelta(minutes=10))
    return gzip.decompress(target.read_bytes()).splitlines()


def test_packed_objects_are_unpacked() -> None:
    packed = io.BytesIO(gzip.compress(line("a")))
    assert list(originals.lines(originals.opened("x.gz", packed))) == [line("a")]
