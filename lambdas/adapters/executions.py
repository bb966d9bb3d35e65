"""Starts executions of a state machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def start(
    state_machine: str, name: str, payload: dict[str, Any], client: SFNClient | None = None
) -> str:
    """Start an execution and return its ARN. A name that is taken raises the client's error."""
    stepfunctions: Any = client or boto3.client("stepfunctions")
    answer = stepfunctions.start_execution(
        stateMachineArn=state_machine, name=name, input=json.dumps(payload)
    )
    return str(answer["executionArn"])
