"""The DynamoDB adapter: pages, order, and which errors are whose."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.adapters.dynamodb import DynamoStore
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.upserts import ItemRefused, Upsert


def upsert(bucket: int, version: int = 1, **more: Any) -> Upsert:
    item = {
        "machine": {"S": "m"},
        "bucket": {"N": str(bucket)},
        "version": {"N": str(version)},
        "generation": {"N": "0"},
        **more,
    }
    return Upsert("t-machines", ("machine", "bucket"), ("generation", "version"), item)


def buckets(store: DynamoStore, low: int, high: int, *, descending: bool = False) -> list[int]:
    key = ("machine", {"S": "m"})
    found = store.items("t-machines", key, ("bucket", low, high), descending=descending)
    return [int(item["bucket"]["N"]) for item in found]


def test_all_pages_of_a_range_are_read_in_both_directions(store: DynamoStore) -> None:
    filler = {"S": "x" * 100_000}  # a page of DynamoDB is 1 MB
    for bucket in range(25):
        store.put([upsert(bucket, filler=filler)])
    assert buckets(store, 1, 23) == list(range(1, 24))
    assert buckets(store, 1, 23, descending=True) == list(range(23, 0, -1))


def test_what_will_never_be_taken_is_refused(store: DynamoStore) -> None:
    with pytest.raises(ItemRefused):
        store.put([upsert(1, machine={"S": ""})])


class Broken:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def _fail(self, **_: Any) -> Any:
        raise self.error

    put_item = get_item = _fail

    def get_paginator(self, _: str) -> Any:
        return type("Paginator", (), {"paginate": lambda _, **__: self._pages()})()

    def _pages(self) -> Any:
        yield from ()
        raise self.error


THROTTLED = ClientError(
    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow"}}, "PutItem"
)
UNREACHABLE = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


@pytest.mark.parametrize("error", [THROTTLED, UNREACHABLE])
def test_what_may_pass_is_unavailable_to_writers_and_readers(error: Exception) -> None:
    store = DynamoStore(Broken(error))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        store.put([upsert(1)])
    with pytest.raises(StoreUnavailable):
        store.get("t", {})
    with pytest.raises(StoreUnavailable):
        buckets(store, 0, 1)


def test_of_many_rows_of_one_key_the_newest_stays(store: DynamoStore) -> None:
    for version in (3, 1, 4, 1, 5, 9, 2, 6):
        store.put([upsert(0, version)])
    item = boto3.client("dynamodb").scan(TableName="t-machines")["Items"]
    assert [i["version"] for i in item] == [{"N": "9"}]
