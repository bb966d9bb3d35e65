"""Where an event is now, derived from the lake and the progress of event time.

Pure functions. Every accepted event ends counted or as a dead letter; until event time has passed
it by CorrelationWindow and AllowedLateness, it may wait for the others of its key.

Event time is live; results and dead letters reach the lake minutes later. So an event whose type
has a result record is counted only if that record exists; any other event only once its dead
letter would have arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from glue import Schema, UseCase
from glue.instants import EPOCH, to_wire
from glue.parameters import Parameters
from glue.schema import Kind
from glue.targets.lake import LakeTable, lake_tables
from sdpctl.sql.letters import literal, original

Row = Mapping[str, Any]
COUNTED, REFUSED, WAITING, UNKNOWN = "counted", "not counted", "waiting", "unknown"
LAKE_DELAY = timedelta(minutes=5)
"""After this time a dead letter of an event is in the lake: buffering and the registration of new
hours take two minutes."""


@dataclass(frozen=True)
class Verdict:
    """The state of one event; `detail`: in which row, why not, until when, or why unknown."""

    event_id: str
    type: str
    key: str
    occurred_at: str
    state: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


def events_queries(use_case: UseCase, text: str, since: datetime) -> list[str]:
    """SQL for each stream of events: those with this event_id or key."""
    tables = [t for t in lake_tables(use_case) if t.stream in use_case.event_streams]
    return [_events_query(use_case, table, text, since) for table in tables]


def _events_query(use_case: UseCase, table: LakeTable, text: str, since: datetime) -> str:
    keys = dict.fromkeys(event.key for event in use_case.events_on(table.stream))
    reports = dict.fromkeys(report.key for report in use_case.reports)
    names = {column.name for column in table.columns}
    matches = [f"CAST({name} AS VARCHAR) = {literal(text)}" for name in ("event_id", *keys)]
    columns = [*keys, *(name for name in reports if name in names and name not in keys)]
    return (
        f"SELECT event_id, type, {', '.join(columns)}, occurred_at, received_at\n"
        f"FROM {table.parquet}\n"
        f"WHERE date >= '{since:%Y-%m-%d}' AND ({' OR '.join(matches)})\n"
        "ORDER BY occurred_at, event_id"
    )


def results_query(use_case: UseCase, record: Schema, ids: Sequence[str], since: datetime) -> str:
    """SQL: the result records of these events, with their type, their key and what counts them."""
    table = next(t for t in lake_tables(use_case) if t.stream == record.stream)
    columns = [*keys_of(use_case), *(report.key for report in use_case.reports)]
    columns = [name for name in dict.fromkeys(columns) if name in record.names]
    return (
        f"SELECT {', '.join(['event_id', *columns])}, {literal(record.event or '')} AS type\n"
        f"FROM {table.parquet}\n"
        f"WHERE date >= '{since:%Y-%m-%d}' AND event_id IN ({', '.join(map(literal, ids))})"
    )


def keys_of(use_case: UseCase) -> tuple[str, ...]:
    """The fields that are the key of an event."""
    return tuple(dict.fromkeys(event.key for event in use_case.events))


def records_of_events(use_case: UseCase) -> tuple[Schema, ...]:
    """The result records that have the event's id."""
    return tuple(s for s in use_case.schemas if s.kind is Kind.RECORD and "event_id" in s.names)


@dataclass(frozen=True)
class Evidence:
    """The facts about some events: dead letters and results by event_id, event time, and when
    they were read (`now`)."""

    use_case: UseCase
    parameters: Parameters
    now: datetime
    through: datetime | None
    letters: Sequence[Row]
    results: Sequence[Row]

    def verdicts(self, events: Iterable[Row]) -> list[Verdict]:
        """A verdict per event; its duplicates are included in it."""
        first = {self._identity(row): row for row in reversed(list(events))}
        return [self._verdict(row) for row in reversed(first.values())]

    def _identity(self, row: Row) -> tuple[Any, ...]:
        """Events of another type or key may have the same id."""
        return (row["event_id"], row["type"], *(row.get(name) for name in keys_of(self.use_case)))

    def _verdict(self, row: Row) -> Verdict:
        state, detail = self._state(row)
        keys = (row.get(name) for name in keys_of(self.use_case))
        key = next((str(value) for value in keys if value is not None), "")
        at = to_wire(moment(row["occurred_at"])) if row["occurred_at"] else ""
        return Verdict(row["event_id"] or "", row["type"], key, at, state, detail)

    def _state(self, row: Row) -> tuple[str, str]:
        if row["event_id"] is None:
            return UNKNOWN, "it was put into the stream without an event_id; ingestion adds one"
        letters = [x for x in self.letters if self._is_about(_record(x), row)]
        refused = [x for x in letters if x["reason"] != "duplicate"]
        if refused:
            return REFUSED, f"{refused[0]['reason']}: {refused[0]['detail']} ({refused[0]['id']})"
        repeated = Counter(x["reason"] for x in letters)["duplicate"]
        more = f"; {repeated} duplicate{'s' * (repeated > 1)} not counted" if repeated else ""
        result = next((x for x in self.results if self._is_about(x, row)), None)
        if result is None and (pending := self._pending(row)):
            return WAITING, pending + more
        return COUNTED, self._rows(moment(row["occurred_at"]), result or row) + more

    def _is_about(self, found: Row, row: Row) -> bool:
        """Whether a dead letter or a result is one of this event, as far as it has its fields."""
        names = ("type", *keys_of(self.use_case))
        same = all(found.get(name) in (None, row.get(name)) for name in names)
        return bool(found["event_id"] == row["event_id"]) and same

    def _pending(self, row: Row) -> str:
        """What an event without result or dead letter waits for; empty if it is counted."""
        if not row["occurred_at"]:
            return "not counted: it has no valid event time; its dead letter is not in the lake yet"
        at, window = moment(row["occurred_at"]), self._window
        received = moment(row["received_at"]) if row["received_at"] else at
        arrived = received + LAKE_DELAY
        if self.through is None or at > self.through:
            return (
                "counted, or still waiting for the earlier events of its key until "
                f"{to_wire(at + window)} of event time"
            )
        if row["type"] in {record.event for record in records_of_events(self.use_case)}:
            return (
                "counted or refused: neither its result nor its dead letter is in the lake yet; "
                f"try again after {to_wire(max(arrived, self.now + LAKE_DELAY))}"
            )
        if self.now < arrived:
            return f"counted, unless its dead letter reaches the lake by {to_wire(arrived)}"
        # The pipeline is behind: it may not have read the event yet, however old that is.
        if self.through + window < arrived:
            return f"counted or refused once event time has passed {to_wire(arrived)}"
        return ""

    @property
    def _window(self) -> timedelta:
        return self.parameters.settling

    def _rows(self, at: datetime, row: Row) -> str:
        """The report rows that count an event at this time."""
        width = self.parameters.aggregation_period
        bucket = EPOCH + (at - EPOCH) // width * width
        return ", ".join(
            f"{report.path} {row.get(report.key) or ''}".strip() + f" from {to_wire(bucket)}"
            for report in self.use_case.reports
        )


def _record(letter: Row) -> Row:
    """The record of a dead letter, with the id of its event; the id alone if it is not JSON."""
    try:
        record = orjson.loads(original(letter.get("payload"), letter.get("encoding")) or b"")
    except ValueError:
        record = None
    fields = record if isinstance(record, dict) else {}
    return {**fields, "event_id": letter["event_id"]}


def moment(text: str) -> datetime:
    """Parses Athena's text of a timestamp, UTC."""
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)


def since(present: datetime, days: int) -> datetime:
    """The day of the oldest partition that is read."""
    return present - timedelta(days=days + 1)
