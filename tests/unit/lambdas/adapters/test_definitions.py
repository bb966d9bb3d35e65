"""The table of definitions: one transaction for each write, and what its refusals mean."""

import boto3
import pytest
from moto import mock_aws

from lambdas.adapters.definitions import DynamoDefinitions
from lambdas.ports.definitions import Frontier, FrontierPassed, Overtaken, Version
from lambdas.ports.report_store import StoreUnavailable

TABLE = "t"


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def store(client):
    return DynamoDefinitions(client)


def version(number=1, *, name="spending", kind="rule", sequence=None, valid_from=1_000, **more):
    return Version(
        kind=kind,
        name=name,
        version=number,
        valid_from=valid_from,
        mode="live",
        ended=False,
        body={"expression": "true"},
        written_at=900,
        sequence=sequence or number,
        **more,
    )


def moved(client, instant):
    """As the stream moves the frontier."""
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "frontier"}, "sk": {"S": "frontier"}},
        UpdateExpression="SET instant = :now",
        ExpressionAttributeValues={":now": {"N": str(instant)}},
    )


def test_what_is_written_is_read_again(store):
    first = version(checked="Zm9v", placeholders={"event.balance": "YmFy"})
    store.write(TABLE, first)
    assert store.head(TABLE, "rule", "spending") == first
    assert store.history(TABLE, "rule", "spending", 10**12, 10) == [first]
    assert store.frontier(TABLE) == Frontier(-1, 1)
    assert store.head(TABLE, "rule", "other") is None


def test_the_items_are_those_of_the_contract(store, client):
    store.write(TABLE, version(checked="Zm9v"))
    keys = {(i["pk"]["S"], i["sk"]["S"]): i for i in client.scan(TableName=TABLE)["Items"]}
    assert set(keys) == {
        ("frontier", "frontier"),
        ("version", "000000000001"),
        ("head", "rule#spending"),
        ("rule#spending", "000000000001"),
    }
    stored = keys["version", "000000000001"]
    assert stored["body"] == {"S": '{"expression":"true"}'}
    assert stored["ended"] == {"BOOL": False}
    assert stored["checked"] == {"S": "Zm9v"} and stored["valid_from"] == {"N": "1000"}


def test_nothing_is_added_at_or_before_the_frontier(store, client):
    moved(client, 1_000)
    assert store.frontier(TABLE) == Frontier(1_000, 0)
    with pytest.raises(FrontierPassed) as caught:
        store.write(TABLE, version())
    assert caught.value.instant == 1_000
    assert store.head(TABLE, "rule", "spending") is None
    store.write(TABLE, version(valid_from=1_001))
    assert store.frontier(TABLE) == Frontier(1_000, 1)


def test_a_writer_that_has_read_before_another_one_wrote_is_overtaken(store):
    store.write(TABLE, version())
    for late in (version(), version(2, sequence=1), version(1, name="other", sequence=1)):
        with pytest.raises(Overtaken):
            store.write(TABLE, late)
    with pytest.raises(Overtaken):  # the table's sequence is right, the definition's is not
        store.write(TABLE, version(1, sequence=2))
    store.write(TABLE, version(2))
    assert store.frontier(TABLE).sequence == 2


def test_lists_are_by_kind_and_name_and_in_pages(store):
    named = [("template", "a"), ("rule", "b"), ("rule", "a"), ("rule", "a-b"), ("rules", "x")]
    for sequence, (kind, name) in enumerate(named, 1):
        store.write(TABLE, version(1, name=name, kind=kind, sequence=sequence))
    rules = store.heads(TABLE, "rule", "", 10)
    assert [v.name for v in rules] == ["a", "a-b", "b"]
    assert [v.name for v in store.heads(TABLE, "rule", "rule#a", 1)] == ["a-b"]
    assert [v.kind for v in store.heads(TABLE, None, "", 10)][-2:] == ["rules", "template"]


def test_the_newest_versions_come_first(store):
    for number in range(1, 13):
        store.write(TABLE, version(number))
    history = store.history(TABLE, "rule", "spending", 11, 3)
    assert [v.version for v in history] == [10, 9, 8]
    assert store.history(TABLE, "rule", "spending", 1, 3) == []


def test_a_table_that_does_not_answer_is_unavailable(store):
    for call in (
        lambda: store.frontier("none"),
        lambda: store.heads("none", None, "", 1),
        lambda: store.write("none", version()),
    ):
        with pytest.raises(StoreUnavailable, match="none"):
            call()
