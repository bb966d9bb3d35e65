"""A replay from the middle of what operators remember: balances, means, steps and profiles.

The packaged application run by Flink over a stream of three hours, of which half an hour before the
range is decided by balances that are older, and in which a rule changes. What was late for the live
job moves a balance again, between the same debits.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from analytics_app.package import build
from glue.instants import from_millis, to_wire
from infra.topology import Topology
from sdpctl.backfill.comparing import Bucket, Buckets, Key, differences
from sdpctl.backfill.computing import Computed, Lake
from sdpctl.backfill.job import Run
from sdpctl.backfill.plan import Span, plan
from sdpctl.local.applications import Application, fetch
from sdpctl.replay.computing import Source
from sdpctl.settings import Settings
from tests.flink import pipelines, shopping
from tests.flink.pipelines import Event, Row
from tests.flink.test_backfill import Store
from tests.unit.sdpctl.replay.streams import Kinesis
from usecases import load
from usecases.shopping import USE_CASE

START = from_millis(pipelines.START)
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)
SPAN = Span(START + 30 * MINUTE, START + 150 * MINUTE)  # the rule changes after an hour
PARAMETERS = USE_CASE.configured({})
PLAN = plan(SPAN, PARAMETERS, remembers=USE_CASE.remembers)
PREFIX = "sdp-shopping-"
EVENTS, LETTERS, PROGRESS = (PREFIX + n for n in ("activity", "dead-letters", "progress"))
SEEDS = 20
REACHED = START + 50 * MINUTE
CARD, LAST = "late-moves", "late-moves-after"
# Two late ones: the stream had reached 1 ms more when the second came, which is late by that.
CLOSE, CLOSE_LAST = "late-close", "late-close-after"


def of_a_card_with_a_late_debit() -> Iterator[Event]:
    """Debits from 250: four, one right before the late one came, and one right after it.

    Of the late one, of 20, the balance knows from then on: before it 209 are left, after it 188.
    """
    moments = [(f"{CARD}-{n}", timedelta(minutes=31 + n), 10.0) for n in range(4)]
    moments += [(f"{CARD}-before", 50 * MINUTE - MILLISECOND, 1.0)]
    moments += [(LAST, 50 * MINUTE, 1.0)]
    yield _event("balance", f"{CARD}-opening", 20 * MINUTE, CARD, balance=250.0)
    for name, moment, amount in moments:
        yield _debit(name, moment, CARD, amount)


def of_a_card_with_two_late_debits() -> Iterator[Event]:
    """Debits from 250: four, and one after both late ones, of 1 and of 20.

    It is the fifth, with 188 left. If the second late one were in time, that would be the fifth.
    """
    yield _event("balance", f"{CLOSE}-opening", 20 * MINUTE, CLOSE, balance=250.0)
    moments = [(f"{CLOSE}-{n}", timedelta(minutes=31 + n), 10.0) for n in range(4)]
    moments += [(CLOSE_LAST, 50 * MINUTE + MILLISECOND, 1.0)]
    for name, moment, amount in moments:
        yield _debit(name, moment, CLOSE, amount)


def _event(kind: str, name: str, moment: timedelta, card: str, **fields: Any) -> Event:
    time = to_wire(START + moment)
    return {"type": kind, "event_id": name, "occurred_at": time, "card_id": card, **fields}


def _debit(name: str, moment: timedelta, card: str, amount: float) -> Event:
    return _event("transaction", name, moment, card, acc_num=7, amount=amount)


# Each with the event time that the stream had reached.
LATE_EVENTS = (
    (_debit(f"{CARD}-late", 30 * MINUTE, CARD, 20.0), REACHED),
    (_debit(f"{CARD}-late", 30 * MINUTE, CARD, 20.0), REACHED),
    (_debit(f"{CLOSE}-late-1", 40 * MINUTE, CLOSE, 1.0), REACHED - MILLISECOND),
    (_debit(f"{CLOSE}-late-2", 50 * MINUTE - MILLISECOND, CLOSE, 20.0), REACHED),
)
FOUND = {
    f"shopping:{CARD}:{LAST}": {
        "kind": "shopping",
        "subject": CARD,
        "occurred_at": pipelines.START + 50 * 60_000,
        "balance": 188.0,
        "count": 6,
    },
    f"shopping:{CLOSE}:{CLOSE_LAST}": {
        "kind": "shopping",
        "subject": CLOSE,
        "occurred_at": pipelines.START + 50 * 60_000 + 1,
        "balance": 188.0,
        "count": 5,
    },
}


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Those of some seeds, without the late one; in the order of their time."""
    all_ = shopping.made().streams["activity"]
    found = shopping.business_events(all_).values()
    unusual = sorted({_name(r["subject"]) for r in found if r["kind"] == "spending_anomaly"})
    own = {*map(str, range(SEEDS)), *unusual[:SEEDS], "golden"}
    known = [e for e in all_ if _seed(e) in own]
    late = [*of_a_card_with_a_late_debit(), *of_a_card_with_two_late_debits()]
    return sorted([*known, *late], key=pipelines.at)


def _name(subject: str) -> str:
    return subject.partition("-")[0]


def _seed(event: Event) -> str:
    """Whose it is; customers without a card are golden cases."""
    if event["type"] == "acceptance":
        return _name(event["business_event_id"].split(":")[1])
    return _name(event.get("card_id") or event.get("session_id") or "golden")


@pytest.fixture(scope="module")
def kinesis(events: list[Event]) -> Kinesis:
    """What a live job has read and published: shuffled, some events twice, one late twice."""
    made = Kinesis(now=START + timedelta(hours=3), page=2_000)
    made.created = START - timedelta(hours=1)
    for stream in (LETTERS, PROGRESS):
        made.shard(stream, "0")
    for name in "ab":
        made.shard(EVENTS, name)
    sent = pipelines.Made({"activity": events}).sent(seed=2)["activity"]
    reached = START - timedelta(hours=1)
    for event in sent:
        reached = max(reached, from_millis(pipelines.at(event)))
        made.put(EVENTS, "ab"[len(_seed(event)) % 2], reached, _data(event, reached))
    arrived = REACHED + PARAMETERS.watermark_delay
    for event, was_reached in LATE_EVENTS:
        number = made.put(EVENTS, "a", arrived, _data(event, arrived))
        made.put(LETTERS, "0", arrived, _letter(number, was_reached))
    settled = to_wire(PLAN.settled)
    row = {"use_case": "shopping", "watermark": settled, "heartbeat_at": settled}
    made.put(PROGRESS, "0", PLAN.settled + MINUTE, json.dumps(row).encode())
    return made


def _data(event: Event, arrived: datetime) -> bytes:
    return json.dumps({"received_at": to_wire(arrived), **event}).encode() + b"\n"


def _letter(number: str, reached: datetime) -> bytes:
    """As sdp.patterns writes it."""
    detail = (
        f"occurred 20 min before the event time that the stream had reached ({to_wire(reached)}): "
        "patterns are decided up to there"
    )
    letter = {"stage": "flink", "reason": "late", "detail": detail}
    return json.dumps(letter | {"source": {"shard": "a", "sequence_number": number}}).encode()


@pytest.fixture(scope="module")
def replayed(kinesis: Kinesis, tmp_path_factory: pytest.TempPathFactory) -> tuple[Computed, Run]:
    """The replay, whose run keeps what was decided as well."""
    folder = tmp_path_factory.mktemp("remembered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sdpctl.replay.shards.PACE_SECONDS", 0.0)
        store = Store({"code.zip": build().read_bytes()})
        lake = Lake("sdp_shopping", USE_CASE, store, store)
        topology = Topology("sdp", load(("shopping",)))
        source = Source(topology, USE_CASE, kinesis, lake, PARAMETERS, lambda: kinesis.now)
        source.require_retained(PLAN, START)
        kept = ("aggregates", "reaction-counts", "business-events", "decisions", "actions")
        settings = Settings.load({"SDP_HOME": str(folder)})
        run = Run(settings, folder / "run", "shopping", {}, kept, "replay")
        fetch(store, Application("app", 1, True, "lake", "code.zip", 2, ()), run.folder / "code")
        own = run.source("activity").parent
        own.mkdir(parents=True)
        lines = (json.dumps(version) + "\n" for version in shopping.definitions())
        (own / "definitions.ndjson").write_text("".join(lines))
        end = source.end(PLAN)
        return source.compute(PLAN, end, folder / "shards", run, lambda *_: None), run


@pytest.fixture(scope="module")
def expected(events: list[Event]) -> dict[str, Row]:
    """The business events of the range, by force; those after late debits by hand."""
    found = shopping.business_events(events) | FOUND
    inside = {i: r for i, r in found.items() if SPAN.holds(from_millis(r["occurred_at"]))}
    kinds = Counter(row["kind"] for row in inside.values())
    assert min(kinds[k] for k in ("shopping", "stuck_in_form", "spending_anomaly")) > 3
    return inside


def in_range(run: Run, stream: str) -> dict[str, Row]:
    """The rows of the range that the run has written, each once."""
    rows = list(run.results(stream))
    found = {r["id"]: r for r in rows if SPAN.holds(from_millis(pipelines.at(r)))}
    assert len({row["id"] for row in rows}) == len(rows)
    return found


def of_report(computed: Computed, path: str) -> Buckets:
    """The buckets of one report."""
    return {key: bucket for key, bucket in computed.buckets.items() if key.path == path}


def test_what_is_found_from_the_middle_of_a_history_is_the_truth(
    replayed: tuple[Computed, Run], expected: dict[str, Row]
) -> None:
    computed, run = replayed
    counts: Counter[tuple[str, int]] = Counter()
    for row in expected.values():
        second = row["occurred_at"] // 1000
        counts[row["kind"], second - second % 300] += 1
    true: Buckets = {Key("kinds", *key): Bucket({"found": n}, n) for key, n in counts.items()}
    assert list(differences(of_report(computed, "kinds"), true)) == []
    assert (computed.counted.late, computed.counted.unplaced) == (len(LATE_EVENTS), 0)
    found = in_range(run, "business-events")
    assert found.keys() == expected.keys()
    for id_, row in expected.items():
        measures = {name: row[name] for name in ("balance", "count", "deviation") if name in row}
        assert {name: found[id_][name] for name in measures} == pytest.approx(measures)


def test_the_versions_that_were_in_force_decide(
    replayed: tuple[Computed, Run], expected: dict[str, Row], events: list[Event]
) -> None:
    """Each by the version of its own time, with the profile of its own time."""
    computed, run = replayed
    rows, actions = in_range(run, "decisions"), in_range(run, "actions")
    found = in_range(run, "business-events")
    assert found.keys() == expected.keys()
    known = {id_: {**row, "occurred_at": pipelines.at(row)} for id_, row in found.items()}
    decided, acted = shopping.decisions(events, known)
    assert {id_: shopping.written(row) for id_, row in rows.items()} == decided
    assert {i: {**row, "occurred_at": pipelines.at(row)} for i, row in actions.items()} == acted
    true: Buckets = {}
    for key, own in shopping.reactions(decided.values()).items():
        measures = dict(zip(("decisions", "passed", "actions"), own, strict=True))
        true[Key("reactions", *key)] = Bucket(measures, own[0])
    assert list(differences(of_report(computed, "reactions"), true)) == []
    versions = Counter(
        rule["version"]
        for row in decided.values()
        for rule in row["rules"]
        if rule["name"] == "spender"
    )
    assert min(versions[1], versions[2]) > 3
