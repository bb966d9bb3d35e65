"""Log groups with the deployment's retention."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import Settings


def log_group(scope: Construct, id_: str, *, settings: Settings) -> logs.LogGroup:
    """A log group; removed with its stack, because the data is in the streams."""
    group = logs.LogGroup(
        scope, id_, retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The enum has no way back from a number of days.
    resource.retention_in_days = settings.log_retention_days
    return group
