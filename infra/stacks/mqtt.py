"""MQTT: messages of things become events, for each use case that declares topics."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue.catalog import DEAD_LETTERS
from glue.parameters import together
from infra.assets import Assets
from infra.constructs.alarms import LATE_MS, WINDOW, Alarms
from infra.constructs.function import PlatformFunction
from infra.constructs.message_rule import MessageRule
from infra.constructs.queues import dead_letter_queue
from infra.constructs.streams import NamedStreams, Streams
from infra.settings import Settings
from infra.topology import Messages, Topology, to_setting

BATCH = 500
TIMEOUT_SECONDS = 60


class MqttStack(cdk.Stack):
    """A rule stores each message in a stream; a function turns batches of them into events.

    The stream is between them because a rule writes one record for one message, and a message may
    have several measurements, or none that is valid: docs/adr/0033-mqtt.md.
    """

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
        super().__init__(scope, id_, description="SDP: events over MQTT into Kinesis")
        self._topology, self._settings, self._assets = topology, settings, assets
        self._messages = topology.messages
        self._raw = Streams(
            self, "Streams", streams=[m.stream for m in self._messages], settings=settings
        ).by_key
        self._failed = dead_letter_queue(self, "FailedMessages")
        function = self._function()
        alarms = Alarms(self, "Watch", topic=topic)
        for messages in self._messages:
            stream = self._raw[messages.stream.key]
            self._read(function, stream)
            MessageRule(
                self, f"{messages.use_case}-rule", messages=messages, stream=stream, failed=function
            )
            self._watch_stream(alarms, messages, stream)
        self._watch(alarms, function)

    def _function(self) -> lambda_.Function:
        stored = self._stored_streams()
        raw = {m.stream.key: m.stream.name for m in self._messages}
        function = PlatformFunction(
            self,
            "MqttFunction",
            handler="ingest.mqtt.handler",
            assets=self._assets,
            settings=self._settings,
            memory_mib=512,
            timeout_seconds=TIMEOUT_SECONDS,
            environment={
                "SDP_STREAMS": to_setting({**raw, **{k: n for k, (n, _) in stored.items()}}),
                "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
                "SDP_LEDGER_TABLE": self._topology.ledger_table,
            },
        ).function
        # ingestion's, known by its name alone: an export could never be changed again
        ledger = dynamodb.Table.from_table_name(self, "Ledger", self._topology.ledger_table)
        ledger.grant(function, "dynamodb:PutItem")
        for _, stream in stored.values():
            stream.grant(function, "kinesis:PutRecords")
        # A message of a rule's error action whose dead letter could not be stored.
        function.configure_async_invoke(
            retry_attempts=2,
            on_failure=destinations.SqsDestination(self._failed),
            max_event_age=cdk.Duration.hours(6),
        )
        return function

    def _stored_streams(self) -> dict[str, tuple[str, kinesis.IStream]]:
        """The streams that the function writes to: name and stream by key."""
        keys = {
            key
            for m in self._messages
            for key in (f"{m.use_case}/{m.mqtt.schema.stream}", f"{m.use_case}/{DEAD_LETTERS}")
        }
        streams = [s for s in self._topology.streams if s.key in keys]
        by_key = NamedStreams(self, "Stored", streams=streams).by_key
        return {s.key: (s.name, by_key[s.key]) for s in streams}

    def _read(self, function: lambda_.Function, stream: kinesis.Stream) -> None:
        function.add_event_source_mapping(
            f"{stream.node.id}-messages",
            event_source_arn=stream.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH,
            bisect_batch_on_error=True,
            retry_attempts=-1,
            on_failure=sources.SqsDlq(self._failed),
        )
        stream.grant_read(function)

    def _watch_stream(self, alarms: Alarms, messages: Messages, stream: kinesis.Stream) -> None:
        refused = stream.metric_write_provisioned_throughput_exceeded(
            period=WINDOW, statistic="Sum"
        )
        description = f"{messages.use_case}: a shard refuses MQTT messages."
        alarms.above(f"{messages.use_case}-throttled", refused, description, periods=3)

    def _watch(self, alarms: Alarms, function: lambda_.Function) -> None:
        alarms.function("mqtt", function)
        age = function.metric("IteratorAge", period=WINDOW, statistic="Maximum")
        late = "MQTT messages become events more than 5 minutes after they came."
        alarms.above("late", age, late, threshold=LATE_MS, periods=3)
        visible = self._failed.metric_approximate_number_of_messages_visible(
            period=WINDOW, statistic="Maximum"
        )
        alarms.above(
            "failed-messages", visible, "An MQTT message was given up; it is in the queue."
        )
