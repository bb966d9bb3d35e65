"""The dispatch of one use case's actions: a table, a queue and a function for each destination.

What a destination needs is created only where the deployment names it.
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from glue.actions import Dispatching
from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.action_table import action_table
from infra.constructs.function import PlatformFunction
from infra.constructs.permissions import allow
from infra.constructs.queues import dead_letter_queue
from infra.constructs.streams import removal_policy
from infra.settings import Settings
from infra.topology import Dispatch, Stream, to_setting
from lambdas.dispatch.limits import EXECUTION

TIMEOUT_SECONDS = int(EXECUTION.total_seconds())
BATCH = 10  # messages of an execution; each is an attempt of at most 20 seconds, all at once
# A function that ends without an answer so often was stopped by its message.
MAX_RECEIVES = 20


class ActionDispatch(Construct):
    """Constructs use `functions`, `table` and `queues` to watch them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        dispatch: Dispatch,
        dispatching: Dispatching,
        actions: kinesis.IStream,
        letters: Stream,
        letter_stream: kinesis.IStream,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_)
        self._dispatch, self._dispatching = dispatch, dispatching
        self._letters, self._letter_stream = letters, letter_stream
        self._settings, self._assets = settings, assets
        self.table = action_table(self, "Table", name=dispatch.name, settings=settings)
        self.functions: dict[str, lambda_.Function] = {}
        self.failed = dead_letter_queue(self, "FailedBatches")
        self.poison = dead_letter_queue(self, "Poison")
        self.queues = {name: self._queue(name) for name in self._destinations()}
        for name, own in self._destinations().items():
            self._deliver(name, own)
        self._decide(actions)

    def _destinations(self) -> dict[str, dict[str, str]]:
        """The destinations that the deployment names, each with the settings of its function."""
        chosen, stack = self._dispatching, cdk.Stack.of(self)
        found: dict[str, dict[str, str]] = {}
        if chosen.webhook:
            addresses = self._settings.webhook_addresses
            found["webhook"] = {"secret": self._dispatch.secret, "addresses": addresses}
        if chosen.bus:
            found["bus"] = {"bus": chosen.bus}
        if chosen.topic:
            found["topic"] = {"topic": stack.format_arn(service="sns", resource=chosen.topic)}
        return found

    def _decide(self, actions: kinesis.IStream) -> None:
        function = self._function("Decide", "dispatch.handler.handler", self.queues, {})
        self._grant_table(function, "dynamodb:GetItem", "dynamodb:PutItem")
        function.add_event_source_mapping(
            "Actions",
            event_source_arn=actions.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=-1,
            on_failure=sources.SqsDlq(self.failed),
        )
        actions.grant_read(function)

    def _deliver(self, name: str, own: Mapping[str, str]) -> None:
        queue = self.queues[name]
        handler = f"dispatch.{name}.handler"
        function = self._function(name.title(), handler, {name: queue}, own)
        self._grant_table(function, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        queue.grant(function, "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
        function.add_event_source_mapping(
            "Messages",
            event_source_arn=queue.queue_arn,
            batch_size=BATCH,
            report_batch_item_failures=True,
            max_concurrency=self._settings.action_concurrency,
        )
        self._grant_destination(name, function)

    def _grant_table(self, function: lambda_.Function, *actions: str) -> None:
        """Not by the table's own method, which grants the indexes too: no function reads them."""
        assert function.role is not None
        allow(function.role, actions, [self.table.table_arn])

    def _grant_destination(self, name: str, function: lambda_.Function) -> None:
        assert function.role is not None
        stack, chosen = cdk.Stack.of(self), self._dispatching
        match name:
            case "webhook":
                secret = self._secret()
                allow(function.role, ["secretsmanager:GetSecretValue"], [secret.secret_arn])
            case "bus":
                bus = stack.format_arn(
                    service="events", resource="event-bus", resource_name=chosen.bus
                )
                allow(function.role, ["events:PutEvents"], [bus])
            case "topic":
                topic = stack.format_arn(service="sns", resource=str(chosen.topic))
                allow(function.role, ["sns:Publish"], [topic])

    def _function(
        self, name: str, handler: str, queues: Mapping[str, sqs.Queue], own: Mapping[str, str]
    ) -> lambda_.Function:
        use_case = self._dispatch.use_case
        function = PlatformFunction(
            self,
            f"{name}Function",
            handler=handler,
            assets=self._assets,
            settings=self._settings,
            timeout_seconds=TIMEOUT_SECONDS,
            memory_mib=256,
            environment={
                "SDP_ACTIONS": to_setting({"use_case": use_case, **own}),
                "SDP_TABLES": to_setting({self._dispatch.key: self.table.table_name}),
                "SDP_STREAMS": to_setting({self._letters.key: self._letters.name}),
                "SDP_QUEUES": to_setting({n: q.queue_url for n, q in queues.items()}),
                "SDP_PARAMETERS": to_setting(self._dispatching.to_strings()),
            },
        ).function
        for queue in queues.values():
            queue.grant(function, "sqs:SendMessage")
        self._letter_stream.grant(function, "kinesis:PutRecords")
        self.functions[name.lower()] = function
        return function

    def _queue(self, destination: str) -> sqs.Queue:
        """Hidden for six times the function's time, as Lambda's guide asks for."""
        return sqs.Queue(
            self,
            f"{destination.title()}Queue",
            queue_name=self._dispatch.queue(destination),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
            visibility_timeout=cdk.Duration.seconds(6 * TIMEOUT_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(
                max_receive_count=MAX_RECEIVES, queue=self.poison
            ),
        )

    def _secret(self) -> secretsmanager.Secret:
        """32 letters and digits are the base64 of 24 bytes, the least that the standard allows."""
        secret = secretsmanager.Secret(
            self,
            "WebhookSecret",
            secret_name=self._dispatch.secret,
            description=f"{self._dispatch.name}: keys that sign webhooks",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",
                generate_string_key="current",
                password_length=32,
                exclude_punctuation=True,
            ),
            removal_policy=removal_policy(self._settings),
        )
        reason = "Receivers must learn the new key first: ./sdp actions rotate changes it."
        acknowledge(secret, {"SMG4": reason})
        return secret
