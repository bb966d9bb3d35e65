"""The stacks of CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class CloudFormationStacks:
    """The `Stacks` of lambdas.ports.applications over a client."""

    def __init__(self, client: CloudFormationClient | None = None) -> None:
        self._client = client or boto3.client("cloudformation")

    def is_rolling_back(self, stack: str) -> bool:
        """Whether a failed update of the stack is being undone."""
        (found,) = self._client.describe_stacks(StackName=stack)["Stacks"]
        return found["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
