"""Step Functions' limits hold in the emulator: history and payload."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.emulator.conftest import Client

ROLE = "arn:aws:iam::000000000000:role/states"


def _ended(client: Client, name: str, states: dict[str, Any], **given: Any) -> dict[str, Any]:
    """An execution of these states that has ended."""
    states_client = client("stepfunctions")
    machine = states_client.create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": next(iter(states)), "States": states}),
        roleArn=ROLE,
    )["stateMachineArn"]
    arn = states_client.start_execution(stateMachineArn=machine, input=json.dumps(given))[
        "executionArn"
    ]
    deadline = time.monotonic() + 120
    while True:
        execution: dict[str, Any] = states_client.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        assert time.monotonic() < deadline, "the execution did not end"
        time.sleep(0.1)


def _doubled(following: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Pass",
        "Parameters": {"text.$": "States.Format('{}{}', $.text, $.text)"},
        **following,
    }


@pytest.mark.parametrize(("length", "status"), [(130_000, "SUCCEEDED"), (132_000, "FAILED")])
def test_a_payload_above_256_kib_ends_the_execution(
    client: Client, length: int, status: str
) -> None:
    states = {"Double": _doubled({"End": True})}
    execution = _ended(client, f"double-{length}", states, text="x" * length)
    assert execution["status"] == status
    assert status == "SUCCEEDED" or "States.DataLimitExceeded" in execution["cause"]


def test_a_history_of_25_000_events_ends_the_execution(client: Client) -> None:
    states = {
        "Again": {"Type": "Pass", "Next": "Ever"},
        "Ever": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.text", "IsPresent": True, "Next": "Again"}],
            "Default": "End",
        },
        "End": {"Type": "Succeed"},
    }
    execution = _ended(client, "forever", states, text="x")
    assert execution["status"] == "FAILED"
    assert "maximum number of history events (25000)" in execution["cause"]
