"""The audit as EventBridge calls it: minutes that do not balance are a metric, and are logged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from glue.instants import to_millis
from glue.targets.dynamodb import KeyAttribute
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.audit import handler
from lambdas.ports.ledger import Receipts, minute_key, stream_partition
from tests.unit.lambdas.tables import create_table

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RIGHT, WRONG = NOON - timedelta(hours=9), NOON - timedelta(hours=8)


class Context:
    """A Lambda context."""

    function_name = "audit"


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch, aws: None) -> Iterator[None]:
    """A ledger of a use case whose watermark has passed all but the last minutes."""
    client = boto3.client("dynamodb")
    create_table(client, "t-progress", KeyAttribute("use_case", "S"))
    create_table(client, "t-ledger", KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
    watermark = {"use_case": {"S": "adtech"}, "watermark": {"N": str(to_millis(NOON))}}
    client.put_item(TableName="t-progress", Item=watermark)
    monkeypatch.setenv("SDP_AUDITED", "adtech")
    monkeypatch.setenv("SDP_PROGRESS_TABLE", "t-progress")
    monkeypatch.setenv("SDP_LEDGER_TABLE", "t-ledger")
    monkeypatch.setattr("lambdas.adapters.clock.now", lambda: NOON)
    handler.bootstrap.cache_clear()
    yield
    handler.bootstrap.cache_clear()


def received(minute: datetime, ok: int, counted: int) -> None:
    """A minute in which the door has stored `ok` records, of which `counted` were counted."""
    client = boto3.client("dynamodb")
    DynamoReceipts("t-ledger", client).put(Receipts("adtech", minute, "a", ok=ok, revision=1))
    key = {"pk": {"S": stream_partition("adtech")}, "sk": {"S": minute_key(minute)}}
    counts = {name: {"N": str(counted)} for name in ("read", "counted")}
    client.put_item(TableName="t-ledger", Item=key | counts)


def metric(printed: str) -> list[float]:
    """The values of the alarm's metric, in CloudWatch's embedded metric format."""
    (document,) = (json.loads(line) for line in printed.splitlines() if '"_aws"' in line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "UnbalancedMinutes", "Unit": "Count"}]
    values: list[float] = document["UnbalancedMinutes"]
    return values


@pytest.mark.parametrize(("counted", "fault"), [(4, "missing"), (6, "excess")])
def test_a_minute_that_does_not_balance_raises_the_metric_and_is_logged(
    counted: int,
    fault: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    received(RIGHT, ok=5, counted=5)
    received(WRONG, ok=5, counted=counted)
    assert handler.handler({}, Context()) == {"unbalanced": 1}  # type: ignore[arg-type]
    assert metric(capsys.readouterr().out) == [1.0]
    (record,) = caplog.records
    logged = vars(record)
    assert (logged["use_case"], logged[fault]) == ("adtech", 1)
    assert datetime.fromisoformat(logged["minute"]) == WRONG


def test_minutes_that_balance_report_none(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    received(RIGHT, ok=5, counted=5)
    received(NOON - timedelta(minutes=1), ok=3, counted=1)  # the other two may still be read
    assert handler.handler({}, Context()) == {"unbalanced": 0}  # type: ignore[arg-type]
    assert metric(capsys.readouterr().out) == [0.0]
    assert not caplog.records
