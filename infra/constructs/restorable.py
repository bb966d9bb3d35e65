"""Refuses a deployment that would lose state, before the running application is changed.

A custom resource for each application, on which the application depends: see
lambdas.application.restoring.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from glue.state import to_properties
from infra.assets import Assets
from infra.constructs.flink import FlinkApplication
from infra.constructs.function import PlatformFunction
from infra.constructs.provider import provider
from infra.settings import Settings


class Restorable(Construct):
    """All applications share the function and the provider."""

    def __init__(self, scope: Construct, id_: str, *, assets: Assets, settings: Settings) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._check = PlatformFunction(
            self,
            "Check",
            handler="application.handler.check_state",
            assets=assets,
            settings=settings,
            environment={},
            timeout_seconds=60,
        )
        stack = cdk.Stack.of(self).stack_id
        self._check.role.add_to_policy(
            iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[stack])
        )
        self._provider = provider(self, on_event=self._check.function, settings=settings)

    def check(self, id_: str, flink: FlinkApplication) -> None:
        """The application is changed only after the check of what it can restore."""
        self._check.role.add_to_policy(
            iam.PolicyStatement(
                actions=["kinesisanalytics:DescribeApplication"], resources=[flink.arn]
            )
        )
        resource = cdk.CustomResource(
            self,
            id_,
            resource_type="Custom::FlinkApplicationState",
            service_token=self._provider.service_token,
            properties={
                "ApplicationName": flink.name,
                "Operators": to_properties(flink.operators),
                "StateLoss": self._settings.state_loss,
            },
        )
        resource.node.add_dependency(self._check.role)
        flink.application.node.add_dependency(resource)
