"""The ledger's table: what the door and the pipeline write is what an audit reads."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from glue.targets.dynamodb import KeyAttribute
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.ports.ledger import Receipts, minute_key
from lambdas.ports.report_store import StoreUnavailable
from tests.unit.lambdas.tables import create_table

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def table(aws: None) -> DynamoReceipts:
    client = boto3.client("dynamodb")
    create_table(client, "t-ledger", KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
    return DynamoReceipts("t-ledger", client)


def test_the_receipts_of_all_instances_in_a_span_are_read(table: DynamoReceipts) -> None:
    stored = [
        Receipts("adtech", AT + n * MINUTE, f"i{instance}", ok=n, refused=1, unknown=2, pending=3)
        for n in range(4)
        for instance in range(12)
    ]
    for receipts in [*stored, Receipts("shopping", AT, "i0", ok=9)]:
        table.put(receipts)
    found = [*table.door("adtech", AT + MINUTE, AT + 3 * MINUTE)]
    inside = [r for r in stored if AT + MINUTE <= r.minute < AT + 3 * MINUTE]
    assert sorted(found, key=repr) == sorted(inside, key=repr)


@pytest.mark.parametrize("seconds", [0.001, 1, 59.999, 60])
def test_a_span_that_ends_within_a_minute_has_all_of_it_from_both_sides(
    table: DynamoReceipts, aws: None, seconds: float
) -> None:
    """An audit until now: outcomes without their receipts are too many."""
    stored = [Receipts("adtech", AT + n * MINUTE, "a", ok=1) for n in range(2)]
    for receipts in stored:
        table.put(receipts)
        item = {"pk": "adtech#stream", "sk": minute_key(receipts.minute)}
        numbers = {"counted": {"N": "1"}}
        boto3.client("dynamodb").put_item(
            TableName="t-ledger", Item={name: {"S": v} for name, v in item.items()} | numbers
        )
    until = AT + timedelta(seconds=seconds)
    assert [*table.door("adtech", AT, until)] == stored[:1]
    assert [*table.outcomes("adtech", AT, until)] == [AT]


def test_a_write_replaces_the_instance_s_item_alone(table: DynamoReceipts) -> None:
    table.put(Receipts("adtech", AT, "a", pending=5))
    table.put(Receipts("adtech", AT, "b", ok=1))
    table.put(Receipts("adtech", AT, "a", ok=5, revision=1))
    found = {r.instance: r for r in table.door("adtech", AT, AT + MINUTE)}
    assert found == {
        "a": Receipts("adtech", AT, "a", ok=5, revision=1),
        "b": Receipts("adtech", AT, "b", ok=1),
    }


def test_a_write_that_arrives_after_a_later_one_changes_nothing(table: DynamoReceipts) -> None:
    """The client gave up waiting for it and went on."""
    result = Receipts("adtech", AT, "a", ok=5, revision=2)
    table.put(result)
    table.put(Receipts("adtech", AT, "a", pending=5, revision=1))
    table.put(result)
    assert [*table.door("adtech", AT, AT + MINUTE)] == [result]


def test_a_table_that_does_not_answer_is_unavailable(aws: None) -> None:
    with pytest.raises(StoreUnavailable, match="missing"):
        DynamoReceipts("missing").put(Receipts("adtech", AT, "a"))
