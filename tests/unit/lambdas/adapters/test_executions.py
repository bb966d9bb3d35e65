"""Executions by name, on moto's Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from lambdas.adapters.executions import Executions

ENDLESS = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}},
}


@pytest.fixture
def executions() -> Iterator[Executions]:
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        made = client.create_state_machine(
            name="retrain",
            definition=json.dumps(ENDLESS),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
        yield Executions(made["stateMachineArn"], client)


def test_an_execution_runs_until_it_is_stopped(executions: Executions) -> None:
    arn = executions.start("one", {"reason": "rows"})
    assert executions.running("one")
    boto3.client("stepfunctions", region_name="us-east-1").stop_execution(executionArn=arn)
    assert not executions.running("one")


def test_an_execution_that_does_not_exist_does_not_run(executions: Executions) -> None:
    assert not executions.running("two")
