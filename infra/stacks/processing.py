"""Processing: the Flink application, fed from the event streams, writing the result streams."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue.parameters import together
from infra.assets import Assets
from infra.constructs.alarms import Alarms
from infra.constructs.flink import FlinkApplication
from infra.constructs.running import Running
from infra.parameter_outputs import output_name
from infra.settings import Settings
from infra.topology import Topology

# What the connector calls (analytics_app/jvm, AwsKinesisStream).
_READ = ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards")
_MINUTE = cdk.Duration.minutes(1)
_SLOW_CHECKPOINT_MS = 60_000
_WRITE = ("kinesis:PutRecords",)


class ProcessingStack(cdk.Stack):
    """Runs every use case of the catalog in one application."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        streams: Mapping[str, kinesis.Stream],
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: joins and counts in Apache Flink")
        parameters = together(settings.parameters)
        properties = {
            "use_cases": ",".join(u.name for u in topology.catalog.use_cases),
            "region": self.region,
            **parameters,
            **{f"stream.{k.replace('/', '.')}": s.stream_arn for k, s in streams.items()},
        }
        application = FlinkApplication(
            self,
            "Analytics",
            name=topology.application,
            properties=properties,
            assets=assets,
            settings=settings,
        )
        for name, value in parameters.items():
            cdk.CfnOutput(self, output_name(name), value=value)
        sources = {stream.key for stream in topology.event_streams}
        for key, stream in streams.items():
            stream.grant(application.role, *(_READ if key in sources else _WRITE))
        running = Running(
            self,
            "Running",
            application=application,
            properties=properties,
            assets=assets,
            settings=settings,
        )
        alarms = Alarms(self, "Watch", topic=topic)
        # Before that there is nothing to monitor.
        alarms.node.add_dependency(running.resource)
        _watch(alarms, topology.application)


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
        "The Flink application has reported no metric for 5 minutes: it does not run.",
        periods=5,
    )
    alarms.rises(
        "restarts",
        metric("numRestarts", "Maximum"),
        "The Flink job restarted in 3 of 15 minutes.",
        minutes=3,
        within=15,
    )
    alarms.rises(
        "checkpoints-failed",
        metric("numberOfFailedCheckpoints", "Maximum"),
        "Checkpoints failed in 3 of 5 minutes.",
        minutes=3,
        within=5,
    )
    alarms.above(
        "checkpoints-slow",
        metric("lastCheckpointDuration", "Maximum"),
        "Checkpoints take more than a minute.",
        threshold=_SLOW_CHECKPOINT_MS,
        periods=5,
    )
