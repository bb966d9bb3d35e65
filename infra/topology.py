"""What is deployed, as plain data rendered from the catalog: names, streams and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from glue import Catalog, Integer, Schema, UseCase
from glue.actions import DISPATCH
from glue.catalog import DEAD_LETTERS, PROGRESS, delivery_name, stream_name
from glue.definitions import DEFINITIONS
from glue.errors import ParameterError
from glue.mqtt import MQTT, Mqtt
from glue.targets.lake import LakeTable, database_name, lake_tables
from infra.applications import Application, one_each


class Kind(Enum):
    """The kind of a stream, which determines its shards and retention."""

    EVENTS = "events"
    RESULTS = "results"
    PROGRESS = "progress"


@dataclass(frozen=True)
class Stream:
    """A Kinesis stream; `key` is its name in the functions' settings and in the pipeline."""

    use_case: str
    stream: str
    name: str
    kind: Kind

    @property
    def key(self) -> str:
        """`use case/stream`."""
        return f"{self.use_case}/{self.stream}"


@dataclass(frozen=True)
class Table:
    """A DynamoDB table of one report; `numeric_key`: whether its hash key is a number."""

    key: str
    name: str
    hash_key: str
    numeric_key: bool
    range_key: str


@dataclass(frozen=True)
class Delivery:
    """The delivery of a stream's records to the lake; `database` is the use case's in Glue."""

    name: str
    stream: Stream
    database: str
    table: LakeTable


@dataclass(frozen=True)
class Dispatch:
    """The dispatch of a use case's actions; `name` is its table's, and begins its queues'."""

    use_case: str
    stream: Stream
    name: str

    @property
    def key(self) -> str:
        """The table's key in the functions' settings."""
        return f"{self.use_case}/{DISPATCH}"

    @property
    def secret(self) -> str:
        """The secret with the signing keys of the webhook."""
        return f"{self.name}-webhook"

    def queue(self, destination: str) -> str:
        """The queue of a destination."""
        return f"{self.name}-{destination}"


@dataclass(frozen=True)
class Messages:
    """The MQTT messages of a use case, and the stream that a rule stores them in."""

    use_case: str
    stream: Stream
    mqtt: Mqtt

    @property
    def rule(self) -> str:
        """The topic rule's name: letters, digits and underscores."""
        return re.sub(r"[^a-zA-Z0-9_]", "_", self.stream.name)

    @property
    def policy(self) -> str:
        """The name of the policy of the things that send."""
        return f"{self.stream.name}-thing"


@dataclass(frozen=True)
class Topology:
    """The names of everything in a deployment with this prefix and catalog.

    `grouped` are its Flink applications, by default one for each use case.
    """

    prefix: str
    catalog: Catalog
    grouped: tuple[Application, ...] = ()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream of every use case."""
        return tuple(self._stream(u, s) for u in self.catalog.use_cases for s in u.streams)

    @property
    def event_streams(self) -> tuple[Stream, ...]:
        """The streams events are ingested into."""
        return tuple(self._stream(u, s) for u in self.catalog.use_cases for s in u.event_streams)

    @property
    def messages(self) -> tuple[Messages, ...]:
        """The MQTT messages of each use case that declares some."""
        return tuple(
            Messages(u.name, self._stream(u, MQTT), u.mqtt)
            for u in self.catalog.use_cases
            if u.mqtt
        )

    @property
    def stored_streams(self) -> tuple[Stream, ...]:
        """The streams whose records are stored in tables: aggregates and progress."""
        return tuple(
            self._stream(u, s)
            for u in self.catalog.use_cases
            for s in dict.fromkeys([*(r.stream for r in u.reports), PROGRESS])
        )

    @property
    def dead_letter_streams(self) -> tuple[Stream, ...]:
        """The streams of dead letters."""
        return tuple(self._stream(u, DEAD_LETTERS) for u in self.catalog.use_cases)

    @property
    def tables(self) -> tuple[Table, ...]:
        """One table per report."""
        return tuple(self._table(u, r) for u in self.catalog.use_cases for r in u.reports)

    @property
    def definitions_tables(self) -> dict[str, str]:
        """The table of definitions and models of each use case that has some: use case → name."""
        names = [u.name for u in self.catalog.use_cases if u.has_versions]
        return {name: f"{self.prefix}-{name}-{DEFINITIONS}" for name in names}

    @property
    def dispatches(self) -> tuple[Dispatch, ...]:
        """The dispatch of each use case with actions."""
        return tuple(
            Dispatch(
                u.name, self._stream(u, u.actions.stream), f"{self.prefix}-{u.name}-{DISPATCH}"
            )
            for u in self.catalog.use_cases
            if u.actions is not None
        )

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """A delivery for each stream that the lake keeps: all but progress."""
        return tuple(self._delivery(u, t) for u in self.catalog.use_cases for t in lake_tables(u))

    def database(self, use_case: str) -> str:
        """The use case's Glue database."""
        return database_name(self.prefix, use_case)

    def workgroup(self, use_case: str) -> str:
        """The use case's Athena workgroup."""
        return f"{self.prefix}-{use_case}"

    @property
    def progress_table(self) -> str:
        """The table of the progress of each use case."""
        return f"{self.prefix}-progress"

    @property
    def ledger_table(self) -> str:
        """The table of what was received, and of what became of it."""
        return f"{self.prefix}-ledger"

    @property
    def applications(self) -> tuple[Application, ...]:
        """The Flink applications."""
        return self.grouped or one_each(u.name for u in self.catalog.use_cases)

    def application(self, use_case: str) -> str:
        """The name in AWS of the application that runs the use case.

        Raises ParameterError with the choices.
        """
        for application in self.applications:
            if use_case in application.use_cases:
                return self.application_name(application)
        choices = [name for a in self.applications for name in a.use_cases]
        raise ParameterError(f"use case {use_case!r} is not deployed; deployed: {choices}")

    def application_name(self, application: Application) -> str:
        """An application's name in AWS."""
        return f"{self.prefix}-{application.name}"

    def _stream(self, use_case: UseCase, stream: str) -> Stream:
        events = (*use_case.event_streams, MQTT)
        kinds = {**dict.fromkeys(events, Kind.EVENTS), PROGRESS: Kind.PROGRESS}
        name = stream_name(self.prefix, use_case.name, stream)
        return Stream(use_case.name, stream, name, kinds.get(stream, Kind.RESULTS))

    def _delivery(self, use_case: UseCase, table: LakeTable) -> Delivery:
        stream = self._stream(use_case, table.stream)
        name = delivery_name(self.prefix, use_case.name, table.stream)
        return Delivery(name, stream, self.database(use_case.name), table)

    def _table(self, use_case: UseCase, report: Schema) -> Table:
        return Table(
            key=f"{use_case.name}/{report.path}",
            name=f"{self.prefix}-{use_case.name}-{report.path}",
            hash_key=report.key,
            numeric_key=isinstance(report.column(report.key).type, Integer),
            range_key=report.period,
        )


def to_setting(names: Mapping[str, str]) -> str:
    """A mapping as the value of a function's environment variable."""
    return json.dumps(dict(names), separators=(",", ":"))
