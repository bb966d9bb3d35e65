"""Whether to retrain now: by schedule, by the volume of new rows, or because they have moved."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from glue.features import Definition
from glue.instants import parse, to_wire
from glue.scoring import Fallback
from lambdas.training import champion, drift
from lambdas.training.names import Names
from lambdas.training.ports import Lake, Ledger, Objects
from lambdas.training.preparing import Window, within

SAMPLE = 2_000


@dataclass(frozen=True)
class Triggers:
    """`every` since the last run; so many new rows; an index above `psi`; never below `least`."""

    every: timedelta
    rows: int
    psi: float
    least: int
    days: int


@dataclass(frozen=True)
class Facts:
    """What is known now. `psi` is empty where there is no champion, or too little to compare."""

    new_rows: int
    last_ended: datetime | None = None
    psi: dict[str, float] = field(default_factory=dict)


def reason(facts: Facts, triggers: Triggers, now: datetime) -> str | None:
    """Why to train now, in a word; None if there is no reason to."""
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
        """Counts rows since the last run's end of data, and compares them with what it saw."""
        last = self.ledger.last()
        since = parse(last["to"]) if last else now - timedelta(days=triggers.days)
        new = Window(since, now)
        rows = self._count(new)
        psi = self._psi(new) if rows >= triggers.least else {}
        return Facts(rows, parse(last["finished_at"]) if last else None, psi)

    def _count(self, window: Window) -> int:
        condition = within(self.definition, window)
        (row,) = self.lake.query(f"SELECT count(*) AS amount FROM {self.table} WHERE {condition}")
        return int(str(row[0]))

    def _psi(self, new: Window) -> dict[str, float]:
        current = champion.read(self.objects, self.names)
        if current is None:
            return {}
        fallback = Fallback.from_json(self._json(current.fallback))
        definition = fallback.encoder.definition
        trained = self._json(self.names.key(current.version, "metadata.json"))
        old = Window(parse(trained["trained_from"]), parse(trained["fitted_through"]))
        before, after = self._sample(definition, old), self._sample(definition, new)
        if not all(len(sample[definition.label]) for sample in (before, after)):
            return {}
        return drift.moved(fallback, definition.label, before, after)

    def _sample(self, definition: Definition, window: Window) -> drift.Sample:
        sql = drift.sample_sql(definition, self.table, within(definition, window), SAMPLE)
        return drift.sample_of(definition, self.lake.query(sql))

    def _json(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(key) or b"{}")
        return found


def execution_name(why: str, now: datetime) -> str:
    """Of the run to start: one per reason and second."""
    return f"{why}-{now:%Y%m%dt%H%M%S}"


def execution_input(why: str, facts: Facts, now: datetime) -> dict[str, Any]:
    """Of the run to start."""
    psi = {name: round(value, 4) for name, value in facts.psi.items()}
    return {"reason": why, "new_rows": facts.new_rows, "psi": psi, "decided_at": to_wire(now)}
