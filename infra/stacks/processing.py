"""Processing: Flink applications, fed from the event streams, writing the result streams."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue.parameters import together
from infra import applications
from infra.applications import FIRST, Application
from infra.assets import Assets
from infra.constructs.alarms import Alarms
from infra.constructs.flink import FlinkApplication
from infra.constructs.lake import Lake
from infra.constructs.permissions import read_models
from infra.constructs.restorable import Restorable
from infra.constructs.running import Running
from infra.constructs.streams import NamedStreams
from infra.parameter_outputs import APPLICATIONS, USE_CASES, output_name
from infra.settings import Settings
from infra.topology import Topology

# What the connector calls (analytics_app/jvm, AwsKinesisStream).
_READ = ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards")
_WRITE = ("kinesis:PutRecords",)
# What the source of definitions calls (DynamoStore).
_DEFINE = ("dynamodb:Query", "dynamodb:UpdateItem")
_MINUTE = cdk.Duration.minutes(1)
_SLOW_CHECKPOINT_MS = 60_000


class ProcessingStack(cdk.Stack):
    """Runs each application with only what its own use cases need.

    Takes the lake from another stack: a stream scores by the models in it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        lake: Lake,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: joins and counts in Apache Flink")
        self._topology, self._lake, self._topic = topology, lake, topic
        self._settings, self._assets = settings, assets
        self._streams = NamedStreams(self, "Streams", streams=topology.streams).by_key
        running = Running(
            self,
            "Running",
            first=f"{topology.prefix}-{FIRST}",
            assets=assets,
            settings=settings,
        )
        restorable = Restorable(self, "Restorable", assets=assets, settings=settings)
        for application in topology.applications:
            flink = self._run(application, running)
            restorable.check(application.name, flink)
        for name, value in together(settings.parameters).items():
            cdk.CfnOutput(self, output_name(name), value=value)
        cdk.CfnOutput(self, USE_CASES, value=",".join(settings.use_cases))
        cdk.CfnOutput(self, APPLICATIONS, value=applications.to_text(topology.applications))

    def _run(self, application: Application, running: Running) -> FlinkApplication:
        streams = self._streams_of(application)
        flink = FlinkApplication(
            self,
            _id("Analytics", application),
            name=self._topology.application_name(application),
            properties=self._properties(application, streams),
            operators=self._assets.operators(application.use_cases),
            scale=self._settings.scales[application.name],
            assets=self._assets,
            settings=self._settings,
        )
        sources = {stream.key for stream in self._topology.event_streams}
        for key, stream in streams.items():
            stream.grant(flink.role, *(_READ if key in sources else _WRITE))
        for table in self._definitions_of(application).values():
            flink.role.add_to_policy(
                iam.PolicyStatement(actions=[*_DEFINE], resources=[self._table_arn(table)])
            )
        for use_case in self._topology.catalog.use_cases:
            if use_case.name in application.use_cases and use_case.model is not None:
                read_models(flink.role, self._lake, use_case.name)
        state = running.keep(_id("State", application), flink)
        if application.name != FIRST:
            state.node.add_dependency(running.allow(flink.name))
        alarms = Alarms(self, _id("Watch", application), topic=self._topic)
        # Before that there is nothing to monitor.
        alarms.node.add_dependency(state)
        _watch(alarms, flink.name)
        return flink

    def _streams_of(self, application: Application) -> dict[str, kinesis.IStream]:
        own = [s.key for s in self._topology.streams if s.use_case in application.use_cases]
        return {key: self._streams[key] for key in own}

    def _definitions_of(self, application: Application) -> dict[str, str]:
        tables = self._topology.definitions_tables
        return {u: table for u, table in tables.items() if u in application.use_cases}

    def _table_arn(self, table: str) -> str:
        return self.format_arn(service="dynamodb", resource="table", resource_name=table)

    def _properties(
        self, application: Application, streams: dict[str, kinesis.IStream]
    ) -> dict[str, str]:
        parameters = {name: self._settings.parameters[name] for name in application.use_cases}
        return {
            "use_cases": ",".join(application.use_cases),
            "region": self.region,
            **together(parameters),
            **{f"stream.{k.replace('/', '.')}": s.stream_arn for k, s in streams.items()},
            **{f"definitions.{u}": t for u, t in self._definitions_of(application).items()},
        }


def _id(construct: str, application: Application) -> str:
    """The first application has the ids that it always had: with others it would be replaced."""
    return construct if application.name == FIRST else f"{construct}-{application.name}"


def _watch(alarms: Alarms, application: str) -> None:
    def metric(name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/KinesisAnalytics",
            metric_name=name,
            dimensions_map={"Application": application},
            statistic=statistic,
            period=_MINUTE,
        )

    # `uptime` and `downtime` are deprecated; an application that does not run reports nothing.
    alarms.silent(
        "down",
        metric("numRestarts", "SampleCount"),
        f"{application} has reported no metric for 5 minutes: it does not run.",
        periods=5,
    )
    alarms.rises(
        "restarts",
        metric("numRestarts", "Maximum"),
        f"The job of {application} restarted in 3 of 15 minutes.",
        minutes=3,
        within=15,
    )
    alarms.rises(
        "checkpoints-failed",
        metric("numberOfFailedCheckpoints", "Maximum"),
        f"Checkpoints of {application} failed in 3 of 5 minutes.",
        minutes=3,
        within=5,
    )
    alarms.above(
        "checkpoints-slow",
        metric("lastCheckpointDuration", "Maximum"),
        f"Checkpoints of {application} take more than a minute.",
        threshold=_SLOW_CHECKPOINT_MS,
        periods=5,
    )
