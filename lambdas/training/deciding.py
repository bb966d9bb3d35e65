"""Whether to retrain now: by schedule, by the number of new rows, or because of drift."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from features.definition import Definition
from features.drift import Reference
from features.scoring import Fallback
from glue.instants import parse, to_wire
from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names
from lambdas.ports.training import Lake, Ledger
from lambdas.training import champion, drift
from lambdas.training.drift import HourRows
from lambdas.training.preparing import MARGIN, moment

SAMPLE = 2_000


@dataclass(frozen=True)
class Triggers:
    """When to train: `every` so often, after `rows` new rows, or for drift above `psi`.

    Never with fewer than `least` rows.
    """

    every: timedelta
    rows: int
    psi: float
    least: int
    days: int


@dataclass(frozen=True)
class Facts:
    """The inputs of a decision. `psi` is empty without a champion or enough rows to compare."""

    new_rows: int
    last_ended: datetime | None = None
    psi: dict[str, float] = field(default_factory=dict)


def reason(facts: Facts, triggers: Triggers, now: datetime) -> str | None:
    """The reason to train now, in one word; None if there is none."""
    if facts.new_rows < triggers.least:
        return None
    if facts.last_ended is None or now - facts.last_ended >= triggers.every:
        return "schedule"
    if facts.new_rows >= triggers.rows:
        return "volume"
    return "drift" if any(value > triggers.psi for value in facts.psi.values()) else None


@dataclass(frozen=True)
class Watch:
    """Gathers the facts of one use case."""

    lake: Lake
    objects: Objects
    ledger: Ledger
    names: Names
    definition: Definition
    table: str

    def facts(self, triggers: Triggers, now: datetime) -> Facts:
        """Counts the rows since the last run's data; compares them with the champion's."""
        last = self.ledger.last()
        since = parse(last["to"]) if last else now - timedelta(days=triggers.days)
        seen = parse(last["finished_at"]) if last else since
        later = self._later(seen)
        boundary = boundary_of(self.definition, since, seen)
        rows = self._count(boundary) + sum(hour.rows for hour in later)
        chosen = drift.condition(drift.spread(later)) if later else boundary
        psi = self._psi(chosen) if rows >= triggers.least else {}
        return Facts(rows, parse(last["finished_at"]) if last else None, psi)

    def _count(self, condition: str) -> int:
        (row,) = self.lake.query(f"SELECT count(*) AS amount FROM {self.table} WHERE {condition}")
        return int(str(row[0]))

    def _later(self, seen: datetime) -> list[HourRows]:
        """The hours delivered after that one. Reads no column: the file footers have the counts."""
        date, hour = hour_of(seen)
        rows = self.lake.query(
            f"SELECT date, hour, count(*) AS amount FROM {self.table} "
            f"WHERE date > '{date}' OR (date = '{date}' AND hour > '{hour}') "
            "GROUP BY date, hour ORDER BY date, hour"
        )
        return [HourRows(str(date), str(hour), int(str(amount))) for date, hour, amount in rows]

    def _psi(self, condition: str) -> dict[str, float]:
        current = champion.read(self.objects, self.names)
        kept = current and content(self.objects, self.names.key(current.version, "reference.json"))
        if current is None or not kept:  # a model from before references were stored
            return {}
        fallback = Fallback.from_json(self._json(current.fallback))
        definition = fallback.encoder.definition
        sql = drift.sample_sql(definition, self.table, f"({condition})", SAMPLE)
        sample = drift.sample_of(definition, self.lake.query(sql))
        if not sample[definition.label]:
            return {}
        return Reference.from_json(json.loads(kept)).moved(fallback, sample)

    def _json(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(content(self.objects, key) or b"{}")
        return document


def boundary_of(definition: Definition, since: datetime, seen: datetime) -> str:
    """The SQL condition for rows since an instant, delivered up to the hour of another one."""
    (date, hour), (end, last) = hour_of(since - MARGIN), hour_of(seen)
    return (
        f"{definition.time} >= {moment(since)} "
        f"AND (date > '{date}' OR (date = '{date}' AND hour >= '{hour}')) "
        f"AND (date < '{end}' OR (date = '{end}' AND hour <= '{last}'))"
    )


def hour_of(value: datetime) -> tuple[str, str]:
    """Date and hour of the partition for that time, UTC."""
    at = value.astimezone(UTC)
    return f"{at:%Y-%m-%d}", f"{at:%H}"


def execution_name(why: str, now: datetime) -> str:
    """The name of the run to start, unique per reason and second."""
    return f"{why}-{now:%Y%m%dt%H%M%S}"


def execution_input(why: str, facts: Facts, now: datetime) -> dict[str, Any]:
    """The input of the run to start."""
    psi = {name: round(value, 4) for name, value in facts.psi.items()}
    return {"reason": why, "new_rows": facts.new_rows, "psi": psi, "decided_at": to_wire(now)}
