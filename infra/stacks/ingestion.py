"""Ingestion: streams, the API that fills them, and the heartbeat that moves event time."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

import usecases
from glue.parameters import together
from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.alarms import LATE_MS, WINDOW, Alarms
from infra.constructs.api import KeyedApi
from infra.constructs.function import PlatformFunction
from infra.constructs.ledger_table import LedgerTable
from infra.constructs.streams import Streams
from infra.settings import Settings
from infra.topology import Topology, to_setting


class IngestionStack(cdk.Stack):
    """Other stacks take `api` and `api_key` from here, and the streams by their names."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: events over HTTP into Kinesis")
        self._assets, self._settings, self._topology = assets, settings, topology
        streams = Streams(self, "Streams", streams=topology.streams, settings=settings)
        self.streams: dict[str, kinesis.Stream] = streams.by_key
        self.api_key = apigateway.ApiKey(self, "ApiKey", description="Key for all APIs")
        self._ledger = LedgerTable(self, "Ledger", topology=topology, settings=settings).table
        account = _gateway_logging(self)
        ingest, heartbeat = self._ingest(), self._heartbeat()
        self.api = KeyedApi(
            self,
            "Ingest",
            function=ingest,
            api_key=self.api_key,
            settings=settings,
            name=f"{topology.prefix}-ingestion",
            description=f"{topology.prefix}: ingestion",
        )
        self.api.api.deployment_stage.node.add_dependency(account)
        alarms = Alarms(self, "Watch", topic=topic)
        alarms.function("ingest", ingest)
        alarms.faults("faults", self.api.api)
        alarms.table("ledger", self._ledger)
        self._watch_heartbeat(alarms, heartbeat)
        self._watch_streams(alarms)
        self._keep_exports()
        cdk.CfnOutput(self, "UrlForAPI", value=self.api.url)
        cdk.CfnOutput(self, "ApiKeyId", value=self.api_key.key_id)

    def _keep_exports(self) -> None:
        """What the other stacks imported in deployments that had the catalog's first use case only.

        This stack is updated before them, and CloudFormation removes no export in use.
        """
        first = [s for s in self._topology.streams if s.use_case == usecases.NAMES[0]]
        named = {*self._topology.stored_streams, *self._topology.dead_letter_streams}
        for stream in first:
            self.export_value(self.streams[stream.key].stream_arn)
            if stream in named:
                self.export_value(self.streams[stream.key].stream_name)

    def _ingest(self) -> lambda_.Function:
        reserved = self._settings.ingest_concurrency
        more = {
            "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
            "SDP_LEDGER_TABLE": self._ledger.table_name,
        }
        function = self._function(
            "Ingest",
            "ingest.handler.handler",
            memory_mib=1024,
            reserved=reserved,
            more=more,
        )
        self._ledger.grant(function, "dynamodb:PutItem")
        for stream in self._event_streams().values():
            stream.grant(function, "kinesis:PutRecords")
        return function

    def _heartbeat(self) -> lambda_.Function:
        function = self._function("Heartbeat", "heartbeat.handler.handler", memory_mib=256)
        for stream in self._event_streams().values():
            stream.grant(function, "kinesis:ListShards", "kinesis:PutRecords")
        events.Rule(
            self,
            "EachMinute",
            description="Advances event time in every shard, also without events",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        return function

    def _watch_heartbeat(self, alarms: Alarms, heartbeat: lambda_.Function) -> None:
        alarms.function("heartbeat", heartbeat)
        beats = heartbeat.metric_invocations(period=WINDOW)
        alarms.silent("heartbeat-absent", beats, "No heartbeat: event time does not advance.")

    def _watch_streams(self, alarms: Alarms) -> None:
        for key, stream in self.streams.items():
            name = key.replace("/", "-")
            refused = stream.metric_write_provisioned_throughput_exceeded(
                period=WINDOW, statistic="Sum"
            )
            age = stream.metric_get_records_iterator_age_milliseconds(
                period=WINDOW, statistic="Maximum"
            )
            alarms.above(
                f"{name}-throttled", refused, f"{key}: a shard refuses records.", periods=3
            )
            alarms.above(
                f"{name}-late",
                age,
                f"{key}: a reader is more than 5 minutes behind.",
                threshold=LATE_MS,
                periods=3,
            )
        for key, stream in self._event_streams().items():
            alarms.above(
                f"{key.replace('/', '-')}-reads-throttled",
                stream.metric_read_provisioned_throughput_exceeded(period=WINDOW),
                f"{key}: more than one read in twenty is throttled.",
                threshold=0.05,
                periods=3,
            )

    def _function(
        self,
        name: str,
        handler: str,
        *,
        memory_mib: int,
        reserved: int = 0,
        more: Mapping[str, str] | None = None,
    ) -> lambda_.Function:
        names = {s.key: self.streams[s.key].stream_name for s in self._topology.event_streams}
        return PlatformFunction(
            self,
            f"{name}Function",
            handler=handler,
            assets=self._assets,
            settings=self._settings,
            environment={"SDP_STREAMS": to_setting(names), **(more or {})},
            memory_mib=memory_mib,
            reserved=reserved,
        ).function

    def _event_streams(self) -> dict[str, kinesis.Stream]:
        return {s.key: self.streams[s.key] for s in self._topology.event_streams}


def _gateway_logging(scope: Construct) -> apigateway.CfnAccount:
    """API Gateway writes logs with one role per account and region; stack deletion keeps it."""
    policy = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    role = iam.Role(
        scope,
        "GatewayLogging",
        assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(policy)],
    )
    arn = f"arn:<AWS::Partition>:iam::aws:policy/{policy}"
    acknowledge(role, {f"IAM4[Policy::{arn}]": "The policy that API Gateway requires."})
    account = apigateway.CfnAccount(scope, "GatewayAccount", cloud_watch_role_arn=role.role_arn)
    role.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    account.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return account
