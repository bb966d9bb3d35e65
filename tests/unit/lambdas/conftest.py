"""AWS as moto plays it, for the adapters."""

import asyncio
from collections.abc import Iterator
from threading import Lock
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Metrics
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from lambdas.adapters.dynamodb import CONFIG, DynamoStore
from tests.unit.lambdas.tables import create_tables


@pytest.fixture(autouse=True)
def event_loop_policy() -> None:
    """As in a new process: a test that used `asyncio.run` leaves no loop, which handlers need."""
    asyncio.set_event_loop_policy(None)


@pytest.fixture(autouse=True)
def no_metrics() -> None:
    """As in a new process: what a test has counted and not printed is of all functions of one."""
    Metrics().clear_metrics()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    _serialize(monkeypatch)
    with mock_aws():
        yield


def _serialize(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB's transactions are serializable; moto's threads see each other's half done."""
    lock, call = Lock(), DynamoHandler.call_action

    def one_at_a_time(handler: DynamoHandler) -> Any:
        with lock:
            return call(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", one_at_a_time)


@pytest.fixture
def store(aws: None) -> DynamoStore:
    """The tables of the made-up use case."""
    client = boto3.client("dynamodb", config=CONFIG)
    create_tables(client)
    return DynamoStore(client)
