"""The time that each stage of the chain took, from the times of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws

from glue.instants import to_wire
from lambdas.ports.actions import Decision, Outcome, Place, State, Status
from sdpctl.latency import METRICS, NAMESPACE, STAGES, Records, Stage, reported, stages, to_json
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
    assert found.keys() | METRICS.keys() == STAGES.keys()


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
    assert to_json(stage) == {
        "stage": "door", "count": 100, "p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0,
    }  # fmt: skip
    assert to_json(Stage("door", (7.0,)))["p50"] == 7.0
    assert to_json(Stage("door", ())) == {"stage": "door", "count": 0}


@mock_aws
def test_what_happens_within_the_application_is_read_from_its_newest_metrics() -> None:
    cloudwatch = boto3.client(
        "cloudwatch", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )

    def put(
        minute: int, name: str, value: float, application: str = "sdp-shop", **key: str
    ) -> None:
        dimensions = {"Application": application, **key}
        datum: Any = {
            "MetricName": name,
            "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
            "Timestamp": T + timedelta(minutes=minute),
            "Value": value,
        }
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    events = {"sdp-shop-events", "sdp-shop-pages"}
    for share in (50, 90, 99):
        put(1, f"readAfterMillisP{share}", 9_000 + share, Stream="sdp-shop-events")
        put(2, f"readAfterMillisP{share}", 100 + share, Stream="sdp-shop-events")
        put(2, f"readAfterMillisP{share}", 200 + share, Stream="sdp-shop-pages")
        put(2, f"readAfterMillisP{share}", 8_000, Stream="sdp-shop-definitions")
        put(2, f"readAfterMillisP{share}", 8_000, "sdp-other", Stream="sdp-shop-events")
        put(2, f"scoreMicrosP{share}", 10 + share, Decisions="decisions")
        put(2, f"scoreMicrosP{share}", 70_000, Scores="rows")
        put(2, f"scoreMicrosP{share}", 0, "sdp-silent", Decisions="decisions")
    found = reported(cloudwatch, "sdp-shop", events, T, T + timedelta(minutes=3))
    assert {name: to_json(stage) for name, stage in found.items()} == {
        "kinesis": {"stage": "kinesis", "p50": 250.0, "p90": 290.0, "p99": 299.0},
        "score": {"stage": "score", "p50": 0.06, "p90": 0.1, "p99": 0.109},
    }
    silent = reported(cloudwatch, "sdp-silent", events, T, T + timedelta(minutes=3))
    assert to_json(silent["score"]) == {"stage": "score"}
    before = reported(
        cloudwatch, "sdp-shop", events, T - timedelta(hours=2), T - timedelta(hours=1)
    )
    assert to_json(before["kinesis"]) == {"stage": "kinesis"}
