"""Keeps the Flink application running: a custom resource that starts it and waits for its job.

The status RUNNING is not enough, so it also reads the application's operations and the metric
of its restarts: see lambdas.application.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import custom_resources
from constructs import Construct

from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.flink import FlinkApplication
from infra.constructs.function import PlatformFunction
from infra.constructs.logs import log_group
from infra.settings import Settings

_START = ("DescribeApplication", "StartApplication", "StopApplication")
_WAIT = ("DescribeApplication", "DescribeApplicationOperation", "ListApplicationOperations")
_TIMEOUT = cdk.Duration.minutes(30)

_BASIC = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_ACKNOWLEDGED = {
    f"IAM4[Policy::{_BASIC}]": "The provider framework's own functions; it allows logs only.",
    "L1": "The provider framework chooses the runtime of its own functions.",
    "SF1": "The waiter only polls; what it decides is in the functions' logs.",
    "SF2": "The waiter only polls; the functions it calls are traced.",
}


def _allow(application: FlinkApplication, actions: tuple[str, ...]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=[f"kinesisanalytics:{action}" for action in actions],
        resources=[application.arn],
    )


def _read_metrics() -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["cloudwatch:GetMetricData"], resources=["*"])


class Running(Construct):
    """Its `Revision` property changes with code and properties, so CloudFormation acts."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        application: FlinkApplication,
        properties: Mapping[str, str],
        assets: Assets,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        start = self._function("Start", "on_event", assets, settings)
        start.add_to_role_policy(_allow(application, _START))
        metrics = "cloudwatch:GetMetricData has none either."
        wait = self._function("Wait", "is_complete", assets, settings, everywhere=metrics)
        wait.add_to_role_policy(_allow(application, _WAIT))
        wait.add_to_role_policy(_read_metrics())
        provider = self._provider(start=start, wait=wait, settings=settings)
        self.resource = cdk.CustomResource(
            self,
            "State",
            resource_type="Custom::FlinkApplicationRunning",
            service_token=provider.service_token,
            properties={
                "ApplicationName": application.name,
                "Revision": self._revision(application, properties, settings),
                "MetricSeconds": settings.metric_seconds,
            },
        )
        self.resource.node.add_dependency(application)

    def _provider(
        self, *, start: lambda_.Function, wait: lambda_.Function, settings: Settings
    ) -> custom_resources.Provider:
        provider = custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=start,
            is_complete_handler=wait,
            query_interval=cdk.Duration.seconds(5),
            total_timeout=_TIMEOUT,
            log_group=log_group(self, "Logs", settings=settings),
            disable_waiter_state_machine_logging=True,
        )
        acknowledge(provider, _ACKNOWLEDGED | self._version_wildcards(provider, start, wait))
        return provider

    def _version_wildcards(
        self, provider: custom_resources.Provider, *functions: lambda_.Function
    ) -> dict[str, str]:
        """The framework may invoke any version of its own functions and of ours."""
        own = [c for c in provider.node.find_all() if isinstance(c, lambda_.CfnFunction)]
        invoked = [*own, *(f.node.default_child for f in functions)]
        stack = cdk.Stack.of(self)
        names = [stack.get_logical_id(f) for f in invoked if isinstance(f, cdk.CfnElement)]
        return {
            f"IAM5[Resource::<{name}.Arn>:*]": "The framework invokes versions of this function."
            for name in names
        }

    def _function(
        self,
        id_: str,
        entry: str,
        assets: Assets,
        settings: Settings,
        everywhere: str = "",
    ) -> lambda_.Function:
        return PlatformFunction(
            self,
            id_,
            handler=f"application.handler.{entry}",
            assets=assets,
            settings=settings,
            environment={},
            timeout_seconds=60,
            everywhere=everywhere,
        ).function

    def _revision(
        self, application: FlinkApplication, properties: Mapping[str, str], settings: Settings
    ) -> str:
        # Tokens in the properties stand for names that never change with the code.
        scale = [settings.parallelism, settings.parallelism_per_kpu, settings.autoscaling]
        stable = {k: v for k, v in properties.items() if not cdk.Token.is_unresolved(v)}
        text = json.dumps([application.code.asset_hash, sorted(stable.items()), scale])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
