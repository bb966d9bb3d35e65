"""Executions of one state machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """Those of the state machine with this ARN, by name."""

    def __init__(self, state_machine: str, client: SFNClient | None = None) -> None:
        self._machine = state_machine
        self._client: Any = client or boto3.client("stepfunctions")

    def start(self, name: str, payload: dict[str, Any]) -> str:
        """Start an execution and return its ARN. A name that is taken raises the client's error."""
        answer = self._client.start_execution(
            stateMachineArn=self._machine, name=name, input=json.dumps(payload)
        )
        return str(answer["executionArn"])

    def running(self, name: str) -> bool:
        """Whether the execution with this name is running; false if there is none."""
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            found = self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return False
        return bool(found["status"] == "RUNNING")
