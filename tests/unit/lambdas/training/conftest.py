"""A ledger on DynamoDB's own conditions."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from lambdas.adapters.ledger import DynamoLedger


@pytest.fixture
def ledger() -> Iterator[DynamoLedger]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        keys = (("use_case", "HASH"), ("item", "RANGE"))
        client.create_table(
            TableName="training",
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in keys],  # type: ignore[typeddict-item]
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoLedger("training", "adtech", client)
