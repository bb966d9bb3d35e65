"""The time that each stage of the chain took, from the times of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from glue.instants import to_wire
from lambdas.ports.actions import Decision, Outcome, Place, State, Status
from sdpctl.latency import STAGES, Records, Stage, stages
from sdpctl.streams import Arrived

T = datetime(2026, 11, 21, 10, tzinfo=UTC)
KEY = ("e", "shopping")


def _at(millis: int) -> datetime:
    return T + timedelta(milliseconds=millis)


def _arrived(millis: int, **row: Any) -> Arrived:
    return Arrived(_at(millis), row)


def _records(occurred_at: int = 0, outcome: Outcome = Outcome.DUE, **sent: State) -> Records:
    action = Decision(
        id="a",
        kind="shopping",
        channel="push",
        customer="ada",
        occurred_at=T,
        body="{}",
        place=Place("s", "0", "1"),
        outcome=outcome,
        decided_at=_at(1_900),
        due_at=_at(1_950),
        expires=_at(10**6),
        states=sent,
    )
    return Records(
        events={"e": _arrived(20, received_at=to_wire(T))},
        found={KEY: _arrived(1_000, occurred_at=to_wire(_at(occurred_at)))},
        decisions={KEY: _arrived(1_300)},
        actions={KEY: _arrived(1_500, id="a")},
        dispatched={"a": action},
    )


def _measured(records: Records) -> dict[str, list[float]]:
    return {stage.name: list(stage.times) for stage in stages(records)}


def _accepted(millis: int) -> State:
    return State(status=Status.SENT, at=_at(millis))


def test_each_stage_begins_where_the_one_before_ends() -> None:
    found = _measured(_records(webhook=_accepted(2_450), bus=_accepted(2_050)))
    assert found == {
        "door": [20],
        "pattern": [980],
        "decision": [300],
        "action": [500],
        "dispatch": [400],
        "delivery": [100],
        "total": [2_050],
    }
    assert found.keys() == STAGES.keys()


def test_a_pattern_that_becomes_true_by_time_alone_is_measured_from_then_on() -> None:
    assert _measured(_records(occurred_at=900))["pattern"] == [100]


def test_clocks_that_differ_give_no_time_below_zero() -> None:
    assert _measured(_records(occurred_at=1_010))["pattern"] == [0]


def test_what_is_not_sent_or_not_there_is_in_no_stage_behind_it() -> None:
    pending = _measured(_records(webhook=State()))
    assert pending["dispatch"] == [400] and pending["delivery"] == pending["total"] == []
    capped = _measured(_records(outcome=Outcome.CAPPED))
    assert capped["delivery"] == []
    found = _records(webhook=_accepted(2_000))
    alone = Records({}, found.found, {}, {}, {})
    assert not any(_measured(alone).values())


def test_percentiles_are_times_that_were_measured() -> None:
    stage = Stage("door", tuple(float(n) for n in range(1, 101)))
    assert stage.to_json() == {
        "stage": "door", "count": 100, "p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0,
    }  # fmt: skip
    assert Stage("door", (7.0,)).to_json()["p50"] == 7.0
    assert Stage("door", ()).to_json() == {"stage": "door", "count": 0}
