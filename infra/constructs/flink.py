"""A Flink application of Amazon Managed Service for Apache Flink: code, state, logs, role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisanalyticsv2 as analytics
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from glue.state import CHECKPOINT_INTERVAL, GROUP, Operators, to_properties
from infra import property_groups
from infra.applications import Scale
from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.logs import log_group
from infra.settings import Settings

RUNTIME = "FLINK-2_3"
_RUN_OPTIONS = {"python": "main.py", "jarfile": "lib/sdp.jar"}


class FlinkApplication(Construct):
    """Created stopped, as always in Managed Flink; `Running` starts it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        properties: Mapping[str, str],
        operators: Operators,
        scale: Scale,
        assets: Assets,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self.name, self.properties, self.scale = name, properties, scale
        self.operators = operators
        self.code = s3_assets.Asset(self, "Code", path=str(assets.analytics))
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("kinesisanalytics.amazonaws.com")
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[self.code.bucket.arn_for_objects(self.code.s3_object_key)],
            )
        )
        stream = self._log_stream(settings)
        self.application = self._application(settings)
        logging = analytics.CfnApplicationCloudWatchLoggingOption(
            self,
            "Logging",
            application_name=name,
            cloud_watch_logging_option={"logStreamArn": self._arn_of(stream)},
        )
        logging.add_resource_dependency(self.application)
        self.ready = logging

    @property
    def arn(self) -> str:
        """The application's ARN."""
        return arn_of(self, self.name)

    def _application(self, settings: Settings) -> analytics.CfnApplication:
        application = analytics.CfnApplication(
            self,
            "Application",
            application_name=self.name,
            runtime_environment=RUNTIME,
            service_execution_role=self.role.role_arn,
            application_configuration={
                "applicationCodeConfiguration": self._code(),
                "applicationSnapshotConfiguration": {"snapshotsEnabled": True},
                # An update whose job cannot start is rolled back to the version that ran.
                "applicationSystemRollbackConfiguration": {"rollbackEnabled": True},
                "environmentProperties": {"propertyGroups": _groups(self)},
                "flinkApplicationConfiguration": _flink(self.scale),
            },
            run_configuration={
                "applicationRestoreConfiguration": {
                    "applicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"
                },
                "flinkRunConfiguration": {
                    "allowNonRestoredState": settings.state_loss == "allow",
                },
            },
        )
        # Managed Flink reads code and role when it creates the application.
        application.node.add_dependency(self.role)
        return application

    def _code(self) -> dict[str, object]:
        return {
            "codeContentType": "ZIPFILE",
            "codeContent": {
                "s3ContentLocation": {
                    "bucketArn": self.code.bucket.bucket_arn,
                    "fileKey": self.code.s3_object_key,
                }
            },
        }

    def _log_stream(self, settings: Settings) -> logs.LogStream:
        group = log_group(self, "Logs", settings=settings)
        group.grant_write(self.role)
        group.grant(self.role, "logs:DescribeLogStreams")
        self._allow_finding_log_groups()
        stream = logs.LogStream(
            self,
            "LogStream",
            log_group=group,
            log_stream_name="application",
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._log_group = group
        return stream

    def _allow_finding_log_groups(self) -> None:
        stack = cdk.Stack.of(self)
        arn = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name="*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self.role.add_to_policy(
            iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=[arn])
        )
        resource = f"arn:<AWS::Partition>:logs:{stack.region}:<AWS::AccountId>:log-group:*"
        reason = (
            "logs:DescribeLogGroups finds the log group by listing: names and settings, no content."
        )
        acknowledge(self.role, {f"IAM5[Resource::{resource}]": reason})

    def _arn_of(self, stream: logs.LogStream) -> str:
        return cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{self._log_group.log_group_name}:log-stream:{stream.log_stream_name}",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )


def arn_of(scope: Construct, application: str) -> str:
    """The ARN of an application in the stack's account and region."""
    return cdk.Stack.of(scope).format_arn(
        service="kinesisanalytics", resource="application", resource_name=application
    )


def _groups(application: FlinkApplication) -> list[dict[str, object]]:
    groups = {
        "kinesis.analytics.flink.run.options": _RUN_OPTIONS,
        **property_groups.split(application.properties),
    }
    if state := to_properties(application.operators):
        groups[GROUP] = state
    property_groups.check(groups)
    return [{"propertyGroupId": name, "propertyMap": map_} for name, map_ in groups.items()]


def _flink(scale: Scale) -> dict[str, object]:
    return {
        "checkpointConfiguration": {
            "configurationType": "CUSTOM",
            "checkpointingEnabled": True,
            "checkpointInterval": CHECKPOINT_INTERVAL // timedelta(milliseconds=1),
            "minPauseBetweenCheckpoints": 5_000,
        },
        "monitoringConfiguration": {
            "configurationType": "CUSTOM",
            "logLevel": "INFO",
            # Alarms and the custom resource read the application's. Those of each operator would
            # be some hundred metrics, at $0.30 a month each.
            "metricsLevel": "APPLICATION",
        },
        "parallelismConfiguration": {
            "configurationType": "CUSTOM",
            "autoScalingEnabled": scale.autoscaling,
            "parallelism": scale.parallelism,
            "parallelismPerKpu": scale.parallelism_per_kpu,
        },
    }
