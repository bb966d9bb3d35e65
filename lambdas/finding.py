"""Where an event is now, derived from the lake and the progress of event time.

Pure but for `Search`, which reads the lake. Every accepted event ends counted or as a dead letter;
until event time has passed it by CorrelationWindow and AllowedLateness, it may wait for the others
of its key.

Event time is live; results and dead letters reach the lake minutes later. So an event whose type
has a result record is counted only if that record exists; any other event only once its dead
letter would have arrived.

An event may be sent more than once: the lake has a row for each copy, until compaction keeps one of
an hour's, and a dead letter for each copy that is not counted. A dead letter `duplicate` may also
mean that another event has taken the stage of the key; then no copy is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

import orjson

from glue import Schema, UseCase
from glue.deadletter import original
from glue.instants import EPOCH, to_wire
from glue.parameters import Parameters
from glue.schema import Kind
from lambdas.event_queries import AT_ONCE, events_queries, keys_of, results_query
from lambdas.letter_queries import query

Row = Mapping[str, Any]
Identity = tuple[Any, ...]
COUNTED, REFUSED, WAITING, UNKNOWN = "counted", "not counted", "waiting", "unknown"
LAKE_DELAY = timedelta(minutes=5)
"""After this time a dead letter of an event is in the lake: buffering and the registration of new
hours take two minutes."""
SAME_ID = "an event with this event_id was there before"
"""The detail of a duplicate that is a copy of the same event, whatever else its key has."""


@dataclass(frozen=True)
class Verdict:
    """The state of one event; `detail`: in which row, why not, until when, or why unknown."""

    use_case: str
    event_id: str
    type: str
    key: str
    occurred_at: str
    state: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


def records_of_events(use_case: UseCase) -> tuple[Schema, ...]:
    """The result records that have the event's id."""
    return tuple(s for s in use_case.schemas if s.kind is Kind.RECORD and "event_id" in s.names)


@dataclass(frozen=True)
class Evidence:
    """The facts about some events: their rows in the lake, dead letters and results by event_id,
    event time, and when they were read (`now`).

    `others` are the events that have one of their keys; those that are among `events` too are left
    out.
    """

    use_case: UseCase
    parameters: Parameters
    now: datetime
    through: datetime | None
    events: Sequence[Row]
    letters: Sequence[Row]
    results: Sequence[Row]
    others: Sequence[Row] = ()

    def verdicts(self) -> list[Verdict]:
        """A verdict per event; its copies are included in it."""
        return [self._verdict(copies) for copies in self._grouped(self.events).values()]

    def contested(self) -> set[str]:
        """The keys of events that may be duplicates of others, for which `others` is needed."""
        return {
            self._key(copies[0])
            for copies in self._grouped(self.events).values()
            if self._may_be_another(copies)
        }

    def _grouped(self, rows: Sequence[Row]) -> dict[Identity, list[Row]]:
        """The copies of each event."""
        copies: dict[Identity, list[Row]] = {}
        for row in rows:
            copies.setdefault(self._identity(row), []).append(row)
        return copies

    @cached_property
    def _known(self) -> dict[Identity, list[Row]]:
        return self._grouped(self.others) | self._grouped(self.events)

    def _identity(self, row: Row) -> Identity:
        """Events of another type or key may have the same id."""
        return (row["event_id"], row["type"], *(row.get(name) for name in keys_of(self.use_case)))

    def _verdict(self, copies: Sequence[Row]) -> Verdict:
        row = copies[0]
        state, detail = self._state(copies)
        at = to_wire(moment(row["occurred_at"])) if row["occurred_at"] else ""
        id_, key = row["event_id"] or "", self._key(row)
        return Verdict(self.use_case.name, id_, row["type"], key, at, state, detail)

    def _key(self, row: Row) -> str:
        keys = (row.get(name) for name in keys_of(self.use_case))
        return next((str(value) for value in keys if value is not None), "")

    def _state(self, copies: Sequence[Row]) -> tuple[str, str]:
        row, letters, result = copies[0], self._letters(copies[0]), self._result(copies[0])
        if row["event_id"] is None:
            return UNKNOWN, "it was put into the stream without an event_id; ingestion adds one"
        if refused := self._refused(copies):
            return REFUSED, f"{refused['reason']}: {refused['detail']} ({refused['id']})"
        more = _uncounted(letters)
        if result is None and (pending := self._pending(copies)):
            return WAITING, pending + more
        return COUNTED, self._rows(moment(row["occurred_at"]), result or row) + more

    def _letters(self, row: Row) -> list[Row]:
        of_id = self._letters_by_id.get(row["event_id"], [])
        return [letter for record, letter in of_id if self._is_about(record, row)]

    def _result(self, row: Row) -> Row | None:
        of_id = self._results_by_id.get(row["event_id"], [])
        return next((x for x in of_id if self._is_about(x, row)), None)

    @cached_property
    def _letters_by_id(self) -> dict[str, list[tuple[Row, Row]]]:
        """Each dead letter with its record, by event_id."""
        letters: dict[str, list[tuple[Row, Row]]] = {}
        for letter in self.letters:
            letters.setdefault(letter["event_id"], []).append((_record(letter), letter))
        return letters

    @cached_property
    def _results_by_id(self) -> dict[str, list[Row]]:
        results: dict[str, list[Row]] = {}
        for result in self.results:
            results.setdefault(result["event_id"], []).append(result)
        return results

    def _is_about(self, found: Row, row: Row) -> bool:
        """Whether a record of this id is the event's, as far as it has its fields."""
        names = ("type", *keys_of(self.use_case))
        return all(found.get(name) in (None, row.get(name)) for name in names)

    def _refused(self, copies: Sequence[Row]) -> Row | None:
        """The dead letter that says why no copy is counted; None if one is, or may still be."""
        letters = self._letters(copies[0])
        if later := [x for x in letters if x["stage"] != "flink"]:
            return later[0]
        if self._result(copies[0]) or len(copies) > len(letters):
            return None
        if other := [x for x in letters if x["reason"] != "duplicate"]:
            return other[0]
        return letters[0] if self._may_be_another(copies) and self._has_rival(copies) else None

    def _may_be_another(self, copies: Sequence[Row]) -> bool:
        """Whether each copy that is known is a duplicate: of a copy that compaction has dropped, or
        of another event, which has taken the stage of the key.
        """
        letters = self._letters(copies[0])
        return (
            len(letters) >= len(copies)
            and all(x["reason"] == "duplicate" and x["detail"] != SAME_ID for x in letters)
            and self._result(copies[0]) is None
        )

    def _has_rival(self, copies: Sequence[Row]) -> bool:
        """Whether another event of the same type and key has taken the stage."""
        mine = self._identity(copies[0])
        return any(
            theirs[1:] == mine[1:] and theirs != mine and self._precedes(others, copies)
            for theirs, others in self._known.items()
        )

    def _precedes(self, others: Sequence[Row], copies: Sequence[Row]) -> bool:
        if not self._is_near(others[0], copies[0]):
            return False
        if self._result(others[0]) or len(others) > len(self._letters(others[0])):
            return True
        return self._may_be_another(others) and _received(others[0]) < _received(copies[0])

    def _is_near(self, one: Row, other: Row) -> bool:
        """Whether both may be in the life of one key."""
        if not (one["occurred_at"] and other["occurred_at"]):
            return False
        apart = abs(moment(one["occurred_at"]) - moment(other["occurred_at"]))
        return apart <= self.parameters.settling + self.parameters.waiting(one["type"])

    def _pending(self, copies: Sequence[Row]) -> str:
        """What an event without result or dead letter waits for; empty if it is counted."""
        row = copies[0]
        if not row["occurred_at"]:
            return "not counted: it has no valid event time; its dead letter is not in the lake yet"
        at, settling = moment(row["occurred_at"]), self.parameters.settling
        waiting = self.parameters.waiting(row["type"])
        arrived = max(map(_received, copies)) + LAKE_DELAY
        if self.through is None or at + waiting > self.through:
            before = "what it answers" if waiting else "the earlier events of its key"
            return (
                f"counted, or still waiting for {before} until "
                f"{to_wire(at + waiting + settling)} of event time"
            )
        if row["type"] in {record.event for record in records_of_events(self.use_case)}:
            return (
                "counted or refused: neither its result nor its dead letter is in the lake yet; "
                f"try again after {to_wire(max(arrived, self.now + LAKE_DELAY))}"
            )
        if self.now < arrived:
            return f"counted, unless its dead letter reaches the lake by {to_wire(arrived)}"
        # The pipeline is behind: it may not have read the event yet, however old that is.
        if self.through + settling < arrived:
            return f"counted or refused once event time has passed {to_wire(arrived)}"
        return ""

    def _rows(self, at: datetime, row: Row) -> str:
        """The report rows that count an event at this time."""
        width = self.parameters.aggregation_period
        bucket = to_wire(EPOCH + (at - EPOCH) // width * width)
        reports = [r for r in self.use_case.reports if row.get(r.key) is not None]
        rows = [f"{report.path} {row[report.key]} from {bucket}" for report in reports]
        return ", ".join(rows) or "processed; no report has a row for this event alone"


@dataclass(frozen=True)
class Search:
    """Looks for events of one use case that arrived since a day.

    `rows` answers SQL with rows by column, `through` and `clock` are as `Evidence` has them.
    """

    use_case: UseCase
    parameters: Parameters
    since: datetime
    rows: Callable[[str], Iterable[Row]]
    through: Callable[[], datetime | None]
    clock: Callable[[], datetime]

    def verdicts(self, text: str) -> list[Verdict]:
        """A verdict for each event with this event_id or key."""
        events = self._events([text])
        if not events:
            return []
        evidence = self._evidence(events)
        if keys := evidence.contested():
            others = self._events(keys, keys_only=True)
            evidence = replace(self._evidence([*events, *others]), events=events, others=others)
        return evidence.verdicts()

    def _evidence(self, events: Sequence[Row]) -> Evidence:
        ids = list(dict.fromkeys(row["event_id"] for row in events if row["event_id"]))
        return Evidence(
            self.use_case,
            self.parameters,
            self.clock(),
            self.through(),
            events,
            letters=self._all(query(self.since, {"event_id": part}) for part in _parts(ids)),
            results=self._all(
                results_query(self.use_case, record, part, self.since)
                for record in records_of_events(self.use_case)
                for part in _parts(ids)
            ),
        )

    def _events(self, texts: Collection[str], *, keys_only: bool = False) -> list[Row]:
        return self._all(
            sql
            for part in _parts(sorted(texts))
            for sql in events_queries(self.use_case, part, self.since, keys_only=keys_only)
        )

    def _all(self, queries: Iterable[str]) -> list[Row]:
        return [row for sql in queries for row in self.rows(sql)]


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """As many as one query takes."""
    rest = iter(texts)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _uncounted(letters: Sequence[Row]) -> str:
    """The copies that are not counted, beside one that is."""
    reasons = Counter(x["reason"] for x in letters)
    named = [
        f"{n} duplicate{'s' * (n > 1)}" if reason == "duplicate" else f"{n} {reason}"
        for reason, n in sorted(reasons.items())
    ]
    return f"; {', '.join(named)} not counted" if named else ""


def _received(row: Row) -> datetime:
    """When it was accepted; what was put into the stream directly has at most its own time."""
    text = row["received_at"] or row["occurred_at"]
    return moment(text) if text else EPOCH


def _record(letter: Row) -> Row:
    """The record of a dead letter; empty if it is not a JSON object."""
    try:
        record = orjson.loads(original(letter.get("payload"), letter.get("encoding")) or b"")
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {}


def moment(text: str) -> datetime:
    """Parses Athena's text of a timestamp, UTC."""
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
