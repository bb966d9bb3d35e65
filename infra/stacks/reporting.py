"""Reporting: aggregates out of Kinesis into DynamoDB, and the API that serves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from glue.parameters import together
from infra.assets import Assets
from infra.constructs.alarms import LATE_MS, WINDOW, Alarms
from infra.constructs.api import KeyedApi
from infra.constructs.function import PlatformFunction
from infra.constructs.queues import dead_letter_queue
from infra.constructs.streams import NamedStreams
from infra.constructs.tables import Tables
from infra.settings import Settings
from infra.topology import Stream, Topology, to_setting


class ReportingStack(cdk.Stack):
    """Takes the API key from ingestion, and the streams by their names; the page takes `api`.

    `streams` are ingestion's own, which gave the event sources their ids: with another id, an
    update would create a second one for the same stream, which Lambda refuses.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        streams: Mapping[str, kinesis.Stream],
        topic: sns.ITopic,
        api_key: apigateway.IApiKey,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: aggregates stored and served over HTTP")
        self._topology, self._settings, self._assets = topology, settings, assets
        self._owned = streams
        stored = (*topology.stored_streams, *topology.dead_letter_streams)
        self._streams = NamedStreams(self, "Streams", streams=stored).by_key
        self._tables = Tables(self, "Tables", topology=topology, settings=settings)
        # Ingestion's, known by its name alone: an export could never be changed again.
        self._ledger = dynamodb.Table.from_table_name(self, "Ledger", topology.ledger_table)
        alarms = Alarms(self, "Watch", topic=topic)
        self._persist(alarms)
        if audited := [u.name for u in topology.catalog.use_cases if u.is_audited]:
            self._audit(alarms, audited)
        reports = self._reports()
        self.api = api = KeyedApi(
            self,
            "Reports",
            function=reports,
            api_key=api_key,
            settings=settings,
            name=f"{topology.prefix}-reports",
            description=f"{topology.prefix}: reports",
        )
        alarms.function("reports", reports)
        alarms.faults("faults", api.api)
        for key, table in {**self._tables.by_key, "progress": self._tables.progress}.items():
            alarms.table(key.replace("/", "-"), table)
        cdk.CfnOutput(self, "UrlForReports", value=api.url)

    def _persist(self, alarms: Alarms) -> None:
        stored, letters = self._topology.stored_streams, self._topology.dead_letter_streams
        names = {s.key: s.name for s in (*stored, *letters)}
        function = self._function(
            "Persist",
            "persist.handler.handler",
            {
                "SDP_STREAMS": to_setting(names),
                "SDP_LEDGER_TABLE": self._topology.ledger_table,
            },
        )
        self._ledger.grant(function, "dynamodb:PutItem")
        for table in (*self._tables.by_key.values(), self._tables.progress):
            table.grant(function, "dynamodb:PutItem")
        for table in self._tables.by_key.values():
            # Buckets and the total of their key, in one transaction.
            table.grant(function, "dynamodb:BatchGetItem", "dynamodb:Query")
        for letter in letters:
            self._streams[letter.key].grant(function, "kinesis:PutRecords")
        failed = self._failed_batches()
        for stream in stored:
            self._add_source(function, stream, failed)
        alarms.function("persist", function)
        _watch_persist(alarms, function, failed, self._settings.metrics_namespace)

    def _audit(self, alarms: Alarms, use_cases: Sequence[str]) -> None:
        """Compares what was received with what became of it, and counts what does not balance."""
        function = PlatformFunction(
            self,
            "AuditFunction",
            handler="audit.handler.handler",
            assets=self._assets,
            settings=self._settings,
            timeout_seconds=60,
            environment={
                "SDP_AUDITED": ",".join(use_cases),
                "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
                "SDP_LEDGER_TABLE": self._topology.ledger_table,
                "SDP_PROGRESS_TABLE": self._tables.progress.table_name,
            },
        ).function
        self._ledger.grant(function, "dynamodb:Query")
        self._tables.progress.grant(function, "dynamodb:GetItem")
        events.Rule(
            self,
            "AuditSchedule",
            description="Compares what was received with what became of it",
            schedule=events.Schedule.rate(cdk.Duration.minutes(5)),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        alarms.function("audit", function)
        alarms.above(
            "unbalanced",
            _own_metric("UnbalancedMinutes", "auditfunction", self._settings.metrics_namespace),
            "Accepted events are missing, or were counted twice.",
        )

    def _reports(self) -> lambda_.Function:
        parameters = {"SDP_PARAMETERS": to_setting(together(self._settings.parameters))}
        function = self._function(
            "Reports",
            "reports.handler.handler",
            parameters,
            reserved=self._settings.reports_concurrency,
        )
        for table in self._tables.by_key.values():
            table.grant(function, "dynamodb:GetItem", "dynamodb:Query")
        self._tables.progress.grant(function, "dynamodb:GetItem")
        return function

    def _function(
        self, name: str, handler: str, more: Mapping[str, str], *, reserved: int = 0
    ) -> lambda_.Function:
        names = {key: table.table_name for key, table in self._tables.by_key.items()}
        return PlatformFunction(
            self,
            f"{name}Function",
            handler=handler,
            assets=self._assets,
            settings=self._settings,
            timeout_seconds=60,
            reserved=reserved,
            environment={
                "SDP_TABLES": to_setting(names),
                "SDP_PROGRESS_TABLE": self._tables.progress.table_name,
                **more,
            },
        ).function

    def _failed_batches(self) -> sqs.Queue:
        why = "This is the dead-letter queue, of the event sources."
        return dead_letter_queue(self, "FailedBatches", why)

    def _add_source(self, function: lambda_.Function, stream: Stream, failed: sqs.Queue) -> None:
        """Retries until a record expires: while the tables are down, the stream holds the rows.

        An invalid record does not hold up its shard: persist makes a dead letter of it.
        """
        named, owned = self._streams[stream.key], self._owned[stream.key]
        function.add_event_source_mapping(
            f"KinesisEventSource:{cdk.Names.node_unique_id(owned.node)}",
            event_source_arn=named.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=500,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=-1,
            on_failure=sources.SqsDlq(failed),
        )
        named.grant_read(function)


def _watch_persist(
    alarms: Alarms, function: lambda_.Function, failed: sqs.Queue, namespace: str
) -> None:
    alarms.above(
        "persist-late",
        function.metric("IteratorAge", period=WINDOW, statistic="Maximum"),
        "Results are stored more than 5 minutes after they were computed.",
        threshold=LATE_MS,
        periods=3,
    )
    alarms.above(
        "persist-dead-letters",
        _own_metric("DeadLetters", "persistfunction", namespace, statistic="Sum"),
        "Results that cannot be stored became dead letters.",
    )
    alarms.above(
        "failed-batches",
        failed.metric_approximate_number_of_messages_visible(period=WINDOW, statistic="Maximum"),
        "A batch of results was given up; its position is in the queue.",
    )


def _own_metric(
    name: str, service: str, namespace: str, *, statistic: str = "Maximum"
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=WINDOW,
    )
