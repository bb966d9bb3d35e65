"""Keeps the Flink application running: a custom resource that starts it and waits for RUNNING."""

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
from infra.constructs.flink import FlinkApplication
from infra.constructs.function import PlatformFunction
from infra.constructs.logs import log_group
from infra.settings import Settings

_ACTIONS = ("DescribeApplication", "StartApplication", "StopApplication", "UpdateApplication")
_TIMEOUT = cdk.Duration.minutes(30)


class Running(Construct):
    """Its `Revision` property changes with code and properties, so CloudFormation asks again."""

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
        provider = custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=self._function("Start", "on_event", application, assets, settings),
            is_complete_handler=self._function(
                "Wait", "is_complete", application, assets, settings
            ),
            query_interval=cdk.Duration.seconds(5),
            total_timeout=_TIMEOUT,
            log_group=log_group(self, "Logs", settings=settings),
            disable_waiter_state_machine_logging=True,
        )
        self.resource = cdk.CustomResource(
            self,
            "State",
            resource_type="Custom::FlinkApplicationRunning",
            service_token=provider.service_token,
            properties={
                "ApplicationName": application.name,
                "Revision": self._revision(application, properties, settings),
            },
        )
        self.resource.node.add_dependency(application)

    def _function(
        self,
        id_: str,
        entry: str,
        application: FlinkApplication,
        assets: Assets,
        settings: Settings,
    ) -> lambda_.IFunction:
        function = PlatformFunction(
            self,
            id_,
            handler=f"application.handler.{entry}",
            assets=assets,
            settings=settings,
            environment={},
            timeout_seconds=60,
        ).function
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[f"kinesisanalytics:{action}" for action in _ACTIONS],
                resources=[application.arn],
            )
        )
        return function

    def _revision(
        self, application: FlinkApplication, properties: Mapping[str, str], settings: Settings
    ) -> str:
        # Tokens in the properties stand for names that never change with the code.
        scale = [settings.parallelism, settings.parallelism_per_kpu, settings.autoscaling]
        stable = {k: v for k, v in properties.items() if not cdk.Token.is_unresolved(v)}
        text = json.dumps([application.code.asset_hash, sorted(stable.items()), scale])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
