"""The Kinesis streams of every use case: shards and retention by what a stream carries.

Events are kept long, so that a replay can read them again. Results are kept as long as their
readers (persist, the lake) may be down. Progress is one small record per minute: one shard.
"""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from infra.settings import Settings
from infra.topology import Kind, Stream


class Streams(Construct):
    """One stream per topology entry, by its key (`use case/stream`)."""

    def __init__(
        self, scope: Construct, id_: str, *, streams: Iterable[Stream], settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self.by_key = {s.key: self._stream(s, settings) for s in streams}

    def _stream(self, stream: Stream, settings: Settings) -> kinesis.Stream:
        shards, hours = _capacity(stream, settings)
        on_demand = shards == 0
        return kinesis.Stream(
            self,
            stream.key.replace("/", "-"),
            stream_name=stream.name,
            encryption=kinesis.StreamEncryption.MANAGED,
            retention_period=cdk.Duration.hours(hours),
            stream_mode=kinesis.StreamMode.ON_DEMAND
            if on_demand
            else kinesis.StreamMode.PROVISIONED,
            shard_count=None if on_demand else shards,
            removal_policy=removal_policy(settings),
        )


class NamedStreams(Construct):
    """The streams of another stack, by their names.

    Not by that stack's exports: CloudFormation removes no export that another stack still imports,
    so a use case could not be removed from both.
    """

    def __init__(self, scope: Construct, id_: str, *, streams: Iterable[Stream]) -> None:
        super().__init__(scope, id_)
        self.by_key = {s.key: self._stream(s) for s in streams}

    def _stream(self, stream: Stream) -> kinesis.IStream:
        arn = cdk.Stack.of(self).format_arn(
            service="kinesis", resource="stream", resource_name=stream.name
        )
        return kinesis.Stream.from_stream_arn(self, stream.key.replace("/", "-"), arn)


def _capacity(stream: Stream, settings: Settings) -> tuple[int, int]:
    """Shards (0: on demand) and hours of retention."""
    match stream.kind:
        case Kind.EVENTS:
            return settings.shards, settings.stream_retention_hours
        case Kind.RESULTS:
            return settings.result_shards, settings.result_retention_hours
        case Kind.PROGRESS:
            return 1, settings.result_retention_hours


def removal_policy(settings: Settings) -> cdk.RemovalPolicy:
    """Data outlives its stack, unless the deployment is a trial.

    A failed first deployment removes what it created: that has no data yet, and its name must be
    free for the next attempt.
    """
    retain = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    return retain if settings.retain_data else cdk.RemovalPolicy.DESTROY
