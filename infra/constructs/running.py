"""Keeps the Flink applications running: custom resources that start them and wait for their jobs.

The status RUNNING is not enough, so it also reads the application's operations and the metric
of its restarts: see lambdas.application. All applications share the functions and the provider.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.assets import Assets
from infra.constructs.flink import FlinkApplication, arn_of
from infra.constructs.function import PlatformFunction
from infra.constructs.provider import provider
from infra.settings import Settings

_START = ("DescribeApplication", "StartApplication", "StopApplication")
_WAIT = ("DescribeApplication", "DescribeApplicationOperation", "ListApplicationOperations")


class Running(Construct):
    """`keep` makes an application run, and keeps it so; `first` is one that needs no `keep`.

    That is the application of deployments that had only one: their update deletes it, after it has
    changed the functions' policies, which must still allow to stop it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, first: str, assets: Assets, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        start = self._function("Start", "on_event", assets)
        metrics = "cloudwatch:GetMetricData has none either."
        wait = self._function("Wait", "is_complete", assets, everywhere=metrics)
        self._allowed = {"Start": (start.role, _START), "Wait": (wait.role, _WAIT)}
        for role, actions in self._allowed.values():
            role.add_to_policy(self._statement(first, actions))
        wait.role.add_to_policy(_read_metrics())
        self._provider = provider(
            self, on_event=start.function, is_complete=wait.function, settings=settings
        )

    def keep(self, id_: str, application: FlinkApplication) -> cdk.CustomResource:
        """Its `Revision` property changes with code and properties, so CloudFormation acts."""
        resource = cdk.CustomResource(
            self,
            id_,
            resource_type="Custom::FlinkApplicationRunning",
            service_token=self._provider.service_token,
            properties={
                "ApplicationName": application.name,
                "Revision": _revision(application),
                "MetricSeconds": self._settings.metric_seconds,
                "StateLoss": self._settings.state_loss,
            },
        )
        resource.node.add_dependency(application)
        return resource

    def allow(self, application: str) -> Construct:
        """What the functions may do with an application, as policies of its own.

        They are deleted with it, and after its custom resource, if that depends on them; a
        statement in a shared policy would be removed before the application is stopped.
        """
        policies = Construct(self, f"Allow-{application}")
        for name, (role, actions) in self._allowed.items():
            statement = self._statement(application, actions)
            iam.Policy(policies, name, roles=[role], statements=[statement])
        return policies

    def _statement(self, application: str, actions: tuple[str, ...]) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=[f"kinesisanalytics:{action}" for action in actions],
            resources=[arn_of(self, application)],
        )

    def _function(
        self, id_: str, entry: str, assets: Assets, everywhere: str = ""
    ) -> PlatformFunction:
        return PlatformFunction(
            self,
            id_,
            handler=f"application.handler.{entry}",
            assets=assets,
            settings=self._settings,
            environment={},
            timeout_seconds=60,
            everywhere=everywhere,
        )


def _read_metrics() -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["cloudwatch:GetMetricData"], resources=["*"])


def _revision(application: FlinkApplication) -> str:
    # Tokens in the properties stand for names that never change with the code.
    sizes = astuple(application.scale)
    stable = {k: v for k, v in application.properties.items() if not cdk.Token.is_unresolved(v)}
    text = json.dumps([application.code.asset_hash, sorted(stable.items()), sizes])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
