"""The list of actions over DynamoDB's indexes: the newest first, of a customer or of all."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest

from lambdas.adapters.action_log import DynamoActionLog
from lambdas.adapters.actions import DynamoActions
from lambdas.ports.actions import StoreUnavailable
from tests.unit.lambdas.adapters.test_destinations import decision
from tests.unit.lambdas.dispatch.world import NOON, create_table

HOUR = timedelta(hours=1)


@pytest.fixture
def log(aws: None) -> DynamoActionLog:
    """Actions of three days, of two customers; three of them were decided at one instant."""
    client = boto3.client("dynamodb")
    create_table(client, "t-actions")
    store = DynamoActions("t-actions", client)
    for id_, hours, customer in (
        ("c", 0, "ada"),
        ("a", 0, "ada"),
        ("b", 0, "bob"),
        ("d", 13, "ada"),
        ("e", 37, "ada"),
        ("f", -1, "ada"),
    ):
        made = decision(id_, customer=customer, decided_at=NOON - hours * HOUR)
        assert store.enter(made, None, None)
    return DynamoActionLog("t-actions", client)


def ids(log: DynamoActionLog, customer: str | None, hours: float, until: float = 0) -> str:
    """The ids of the actions from hours ago until hours ago, in order."""
    found = log.newest(customer, NOON - hours * HOUR, NOON - until * HOUR)
    return "".join(action.id for action in found)


def test_the_newest_comes_first_then_the_least_id_over_all_days(log: DynamoActionLog) -> None:
    assert ids(log, None, 48) == "abcde"
    assert ids(log, "ada", 48) == "acde"
    assert ids(log, "bob", 48) == "b"


def test_both_ends_of_the_range_are_in_it(log: DynamoActionLog) -> None:
    assert ids(log, None, 13, 13) == ids(log, "ada", 13, 13) == "d"
    assert ids(log, None, 12, 1) == ids(log, "eve", 48) == ""


def test_a_table_that_does_not_answer_is_unavailable(aws: None) -> None:
    with pytest.raises(StoreUnavailable, match="missing"):
        list(DynamoActionLog("missing").newest(None, NOON - HOUR, NOON))
