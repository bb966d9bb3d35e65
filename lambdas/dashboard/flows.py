"""What flows through a use case: records by minute, and how far each stage is behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import UseCase
from glue.catalog import DEAD_LETTERS, PROGRESS, delivery_name, stream_name
from glue.instants import from_millis, parse, to_wire
from glue.parameters import Parameters
from glue.targets.dynamodb import Item
from lambdas.dashboard.times import span
from lambdas.http import tokens
from lambdas.http.queries import BadParameter, Instant
from lambdas.ports.measured import Measured

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEPT = timedelta(days=15)
"""CloudWatch keeps a value for each minute this long."""
HEARTBEAT = timedelta(minutes=1)
WAYS = ("in", "out", "refused")


class FlowQuery(BaseModel):
    """Which minutes."""

    model_config = ConfigDict(extra="forbid")

    from_: Instant | None = Field(
        None,
        alias="from",
        description="From the minute of this time; default: an hour before `to`. At most 15 days "
        "ago.",
    )
    to: Instant | None = Field(None, description="Before this time; default: now.")
    limit: int = Field(60, ge=1, le=1_440, description="Maximum number of minutes.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class FlowMinute(BaseModel):
    """The records of a minute."""

    minute: str = Field(description="Its start.")
    in_: int = Field(alias="in", description="Put into the streams of events; heartbeats too.")
    out: int = Field(description="Results.")
    refused: int = Field(description="Dead letters.")
    complete: bool = Field(description="Whether the minute is over.")


class Flow(BaseModel):
    """A page of minutes, the newest first."""

    minutes: list[FlowMinute] = Field(description="Each minute of the range.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class Stage(BaseModel):
    """A stage of the way from an event to where people read it."""

    name: str = Field(description="`job`, `report` or `lake`.")
    seconds: float | None = Field(description="How far it is behind; null if that is unknown.")
    doc: str = Field(description="What is measured.")


class Stages(BaseModel):
    """Every stage."""

    stages: list[Stage] = Field(description="In the order of the way.")


@dataclass(frozen=True)
class Flows:
    """The metrics of a deployment, whose names begin with `prefix`."""

    measured: Measured
    prefix: str

    def minutes(self, use_case: UseCase, query: FlowQuery, now: datetime) -> dict[str, Any]:
        """A page of minutes."""
        question = ("flow", use_case.name, query.from_, query.to)
        start, to = _whole(query, now)
        if query.next is not None:
            (before,) = tokens.decode(query.next, question, 1)
            to = tokens.time(before, parse)
        page = max(start, to - query.limit * MINUTE)
        found = self._counts(use_case, page, to)
        more = page > start
        return {
            "minutes": [_row(at, found, now) for at in _backwards(page, to)],
            "next": tokens.encode([to_wire(page)], question) if more else None,
        }

    def stages(
        self, use_case: UseCase, own: Parameters, progress: Item | None, now: datetime
    ) -> dict[str, Any]:
        """How far each stage is behind; `progress` is the use case's item."""
        names = [s for s in use_case.streams if s != PROGRESS]
        deliveries = [delivery_name(self.prefix, use_case.name, name) for name in names]
        ages = self.measured.freshness(deliveries, now).values()
        seconds = {**_of_progress(progress, own, now), "lake": max(ages, default=None)}
        return {
            "stages": [
                {"name": name, "seconds": seconds[name], "doc": doc} for name, doc in DOCS.items()
            ]
        }

    def _counts(
        self, use_case: UseCase, start: datetime, to: datetime
    ) -> dict[datetime, dict[str, int]]:
        ways = {stream_name(self.prefix, use_case.name, s): w for s, w in ways_of(use_case).items()}
        found: dict[datetime, dict[str, int]] = {}
        for stream, minutes in self.measured.records(ways, start, to).items():
            for at, number in minutes.items():
                counts = found.setdefault(at, dict.fromkeys(WAYS, 0))
                counts[ways[stream]] += number
        return found


DOCS = {
    "job": "Event time behind where heartbeats keep it: how late the job reads and decides.",
    "report": "From the receipt of the last heartbeat, through the job, until it was in the table.",
    "lake": "The age of the oldest record that is not in the lake yet.",
}


def ways_of(use_case: UseCase) -> dict[str, str]:
    """What a record of each stream is to the use case: in, out or refused; without progress."""
    known = {DEAD_LETTERS: "refused", **dict.fromkeys(use_case.event_streams, "in")}
    return {s: known.get(s, "out") for s in use_case.streams if s != PROGRESS}


def _of_progress(item: Item | None, own: Parameters, now: datetime) -> dict[str, float | None]:
    if item is None:
        return {"job": None, "report": None}
    at = {n: from_millis(int(item[n]["N"])) for n in ("watermark", "heartbeat_at", "persisted_at")}
    behind = now - at["watermark"] - HEARTBEAT - own.watermark_delay
    return {
        "job": round(max(0.0, behind.total_seconds()), 1),
        "report": round(max(0.0, (at["persisted_at"] - at["heartbeat_at"]).total_seconds()), 1),
    }


def _whole(query: FlowQuery, now: datetime) -> tuple[datetime, datetime]:
    """The range from the start of its first minute to the end of its last one."""
    start, to = span(query.from_, query.to, now, HOUR)
    if start < now - KEPT:
        raise BadParameter("from", "is more than 15 days ago; minutes are kept for 15 days")
    first, last = (at.replace(second=0, microsecond=0) for at in (start, to))
    return first, last if last == to else last + MINUTE


def _backwards(start: datetime, to: datetime) -> Iterator[datetime]:
    at = to - MINUTE
    while at >= start:
        yield at
        at -= MINUTE


def _row(at: datetime, found: Mapping[datetime, Mapping[str, int]], now: datetime) -> Any:
    counts = found.get(at, dict.fromkeys(WAYS, 0))
    return {"minute": to_wire(at), **counts, "complete": at + MINUTE <= now}
