"""The running total of a key is the sum of its stored buckets, whatever comes in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue.targets import dynamodb
from lambdas.adapters import totals
from lambdas.adapters.dynamodb import CONFIG, DynamoStore
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.upserts import ItemRefused, Upsert
from lambdas.reports.counting import ALWAYS, Buckets
from lambdas.reports.counting import totals as sums
from tests.unit.lambdas.made_up import FACTORY, TABLES

MACHINES = FACTORY.reports[0]
TABLE = TABLES["factory/machines"]


def upsert(bucket: int, version: int, generation: int = 0, machine: str = "m") -> Upsert:
    row = {
        "machine": machine,
        "bucket": bucket,
        "readings": version,
        "watts": bucket - 7 * version + 1_000 * generation,
        "version": version,
        "generation": generation,
    }
    item = dynamodb.item(MACHINES, row)
    names = tuple(m.name for m in MACHINES.measures)
    return Upsert(TABLE, ("machine", "bucket"), ("generation", "version"), item, names)


def of(store: DynamoStore, machine: str = "m") -> Buckets:
    return Buckets(store, TABLE, MACHINES, machine)


def stored_total(store: DynamoStore, machine: str = "m") -> dict[str, Any] | None:
    return store.get(TABLE, dynamodb.total_key(MACHINES, machine))


def assert_exact(store: DynamoStore, machine: str = "m") -> None:
    buckets = list(of(store, machine).between(*ALWAYS))
    assert stored_total(store, machine) is not None
    assert of(store, machine).total() == sums(MACHINES, buckets)[0]


KEYS = st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(0, 2), st.sampled_from("mn"))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(KEYS, min_size=1, max_size=30),
    size=st.integers(1, 8),
    name=st.uuids(),
)
def test_totals_are_exact_with_repeats_out_of_order_and_in_a_higher_generation(
    store: DynamoStore, rows: list[tuple[int, int, int, str]], size: int, name: Any
) -> None:
    """Batches are cut anywhere, and each is delivered twice: a function that dies is repeated."""
    named = [upsert(300 * b, v, g, f"{m}{name}") for b, v, g, m in rows]
    for start in range(0, len(named), size):
        batch = named[start : start + size]
        for _ in range(2):
            for machine in "mn":
                mine: dict[tuple[str, ...], Upsert] = {}
                for one in batch:
                    if one.item["machine"]["S"] == f"{machine}{name}":
                        held = mine.setdefault(one.identity, one)
                        mine[one.identity] = max(held, one, key=lambda u: u.newness)
                if mine:
                    store.put([*mine.values()])
    for machine in {f"{m}{name}" for _, _, _, m in rows}:
        assert_exact(store, machine)


def test_a_total_is_one_read_however_many_buckets_there_are(store: DynamoStore) -> None:
    store.put([upsert(300 * n, 1) for n in range(250)])
    assert_exact(store)

    class OneRead(DynamoStore):
        def items(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("the buckets were read")

    expected = {"readings": 250, "watts": 250 * 249 * 150 - 7 * 250}
    assert of(OneRead()).sums(*ALWAYS) == (expected, True)


def test_no_bucket_is_the_total(store: DynamoStore) -> None:
    store.put([upsert(0, 1)])
    assert [row["bucket"] for row in of(store).between(*ALWAYS)] == [0]


def test_a_key_that_is_older_than_totals_is_summed_up_and_gets_one_with_its_next_write(
    store: DynamoStore,
) -> None:
    client = boto3.client("dynamodb")
    for bucket in range(5):
        client.put_item(TableName=TABLE, Item=upsert(300 * bucket, 2).item)
    assert stored_total(store) is None
    assert of(store).sums(*ALWAYS) == ({"readings": 10, "watts": 3_000 - 70}, True)
    store.put([upsert(300, 3), upsert(9_000, 1)])
    assert_exact(store)


def test_a_total_that_was_removed_comes_back(store: DynamoStore) -> None:
    store.put([upsert(300, 2)])
    key = dynamodb.total_key(MACHINES, "m")
    boto3.client("dynamodb").delete_item(TableName=TABLE, Key=key)
    store.put([upsert(600, 3)])
    assert_exact(store)


class Interrupted:
    """DynamoDB, with something that happens right before the first transaction."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._client: Any = boto3.client("dynamodb", config=CONFIG)
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._client.transact_write_items(**request)


@pytest.mark.parametrize("other", [(300, 2), (300, 9), (600, 1)])
@pytest.mark.parametrize("existing", [True, False])
def test_of_two_writers_of_a_key_the_second_reads_again(
    store: DynamoStore, other: tuple[int, int], existing: bool
) -> None:
    if existing:
        store.put([upsert(0, 1)])
    late = DynamoStore(Interrupted(lambda: store.put([upsert(*other)])))  # type: ignore[arg-type]
    late.put([upsert(300, 5)])
    assert_exact(store)
    [row] = of(store).between(300, 301)
    assert row["readings"] == max(5, other[1] if other[0] == 300 else 0)


def test_a_write_that_was_done_and_not_answered_counts_once(store: DynamoStore) -> None:
    class Unanswered(Interrupted):
        def transact_write_items(self, **request: Any) -> Any:
            self._client.transact_write_items(**request)
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "T")

    unanswered = DynamoStore(Unanswered(lambda: None))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        unanswered.put([upsert(300, 5)])
    store.put([upsert(300, 5)])
    assert_exact(store)


def test_many_writers_of_one_key_lose_nothing(store: DynamoStore) -> None:
    def write(number: int) -> None:
        while True:
            try:
                DynamoStore().put([upsert(300 * (number % 3), 1 + number)])
            except StoreUnavailable:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12)))
    assert_exact(store)


def _cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code, "Message": f"because of {code}"} for code in codes]
    error = {"Code": "TransactionCanceledException", "Message": "cancelled"}
    return ClientError({"Error": error, "CancellationReasons": reasons}, "TransactWriteItems")  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_cancelled("None", "ValidationError"), ItemRefused),
        (_cancelled("None", "ThrottlingError"), StoreUnavailable),
        (_cancelled("ProvisionedThroughputExceeded", "None"), StoreUnavailable),
        (_cancelled("None", "TransactionConflict"), StoreUnavailable),
        (ClientError({"Error": {"Code": "ValidationException", "Message": "x"}}, "T"), ItemRefused),
        (
            ClientError({"Error": {"Code": "ThrottlingException", "Message": "x"}}, "T"),
            StoreUnavailable,
        ),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "T"), StoreUnavailable),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "T"), StoreUnavailable),
    ],
    ids=str,
)
def test_a_table_that_is_throttled_or_gone_is_told_from_an_item_it_never_takes(
    store: DynamoStore, error: ClientError, kind: type[Exception]
) -> None:
    class Failing(Interrupted):
        def transact_write_items(self, **_: Any) -> Any:
            raise error

    failing = DynamoStore(Failing(lambda: None))  # type: ignore[arg-type]
    with pytest.raises(kind):
        failing.put([upsert(300, 5)])


def test_a_request_that_botocore_does_not_send_is_refused(store: DynamoStore) -> None:
    """ParamValidationError is one of botocore's errors, and no outage."""
    bad = upsert(300, 5)
    bad.item["readings"] = {"N": 5}
    with pytest.raises(ItemRefused):
        store.put([bad])


def test_a_transaction_has_at_most_a_hundred_items(store: DynamoStore) -> None:
    sizes: list[int] = []

    class Counting(Interrupted):
        def transact_write_items(self, **request: Any) -> Any:
            sizes.append(len(request["TransactItems"]))
            return self._client.transact_write_items(**request)

    DynamoStore(Counting(lambda: None)).put([upsert(n, 1) for n in range(200)])  # type: ignore[arg-type]
    assert sizes == [totals.BUCKETS + 1, totals.BUCKETS + 1, 3]
    assert_exact(store)
