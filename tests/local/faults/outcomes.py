"""What becomes of each generated event, as its generator says, whatever its use case is.

For letters and ledger: a dead letter for each copy that is not counted, and an outcome of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from datagen import Generator, Occurrence
from datagen import Settings as Shape
from lambdas.replaying import sendable
from sdpctl.sql.athena import Athena
from tests.local.driver import Event
from tests.local.faults.flow import (
    DUPLICATE,
    FILTERED,
    LATE,
    UNMATCHED,
    Row,
    Wrong,
    beyond,
    reasons_of,
    unequal,
)

COUNTED = "counted"
# A letter that is written again has another time.
LETTERS = """
SELECT DISTINCT id, stage, reason, event_id, payload, encoding, occurred_at
FROM parquet_dead_letters WHERE event_id LIKE '{prefix}%'
"""


class Fate(NamedTuple):
    """The outcome of an event, and whether it has a dead letter, if that is not `counted`."""

    outcome: str
    has_letter: bool = True


IS_COUNTED = Fate(COUNTED)


@dataclass
class Outcomes:
    """A generator whose occurrences are remembered, and what becomes of the events sent.

    A copy that comes long after its event may be late instead of a duplicate.
    """

    generator: Generator
    fates: dict[str, Fate] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)

    def occurrences(self, settings: Shape) -> Iterator[Occurrence]:
        """Those of the generator."""
        for made in self.generator.occurrences(settings):
            self.fates[made.event["event_id"]] = _fate(made)
            yield made

    def send(self, events: Sequence[Event], fate: Fate = IS_COUNTED) -> None:
        """These are sent, once each; of those that no generator has made this is the fate."""
        for event in events:
            name = event["event_id"]
            self.events[name] = event
            self.copies[name] += 1
            self.fates.setdefault(name, fate)

    def number(self, outcome: str) -> int:
        """How many distinct events have it."""
        return sum(self.fates[name].outcome == outcome for name in self.events)

    def letters(self, lake: Athena, prefix: str) -> list[Row]:
        """The dead letters in the lake of events with ids that begin like this, each once."""
        return lake.rows(LETTERS.format(prefix=prefix))

    def wrong_letters(self, rows: Sequence[Row], *, all_closed: bool) -> Wrong:
        """What is wrong with these dead letters: reasons, numbers, and bytes.

        Until all keys are closed some of the unmatched have none.
        """
        found: dict[str, Counter[str]] = {name: Counter() for name in self.events}
        ids, wrong = Counter(row["id"] for row in rows), dict[str, object]()
        for row in rows:
            name = row["event_id"]
            if name not in found or orjson.loads(sendable(row)) != self.events[name]:
                wrong[row["id"]] = (row, self.events.get(name))
            else:
                found[name][row["reason"]] += 1
        wrong |= {name: (number, 1) for name, number in ids.items() if number > 1}
        for name, reasons in found.items():
            if not self._fits(name, reasons, all_closed=all_closed):
                wrong[name] = (dict(reasons), (self.fates[name], self.copies[name]))
        return {f"dead letters: {name}": pair for name, pair in wrong.items()}

    def _fits(self, name: str, reasons: Counter[str], *, all_closed: bool) -> bool:
        fate, copies = self.fates[name], self.copies[name]
        again, own = reasons[DUPLICATE] + reasons[LATE], reasons[fate.outcome]
        match fate.outcome:
            case "counted":
                return again >= copies - 1 and not set(reasons) - {DUPLICATE, LATE}
            case "unmatched":
                least = 1 if all_closed else 0
                only = not set(reasons) - {DUPLICATE, LATE, UNMATCHED}
                return least <= own <= 1 and again >= copies - 1 and only
        if not fate.has_letter:
            return not reasons
        return own >= copies and set(reasons) == {fate.outcome}

    def miscounted(
        self, sums: Mapping[str, int], rows: Sequence[Row], attempts: int, *, all_closed: bool
    ) -> Wrong:
        """What the ledger says and what is true, where they differ.

        A copy of a record that the platform itself has stored is `redelivered`, with a dead letter
        like any other copy of an event that has some.
        """
        reasons, unmatched = reasons_of(rows), self.number(UNMATCHED)
        silent = [name for name in self.events if not self.fates[name].has_letter]
        certain = self.number(COUNTED) + unmatched
        refused = sums[LATE] + sums[DUPLICATE] + sums["redelivered"] + sums[FILTERED]
        letters = reasons[LATE] + reasons[DUPLICATE] + reasons[FILTERED]
        checks = {
            "counted, unmatched and waiting": (
                sums[COUNTED] + sums[UNMATCHED] + sums["waiting"],
                certain,
            ),
            "malformed": (sums["malformed"], 0),
            "unread": (sums["unread"], 0),
        }
        if all_closed:
            checks[UNMATCHED] = (sums[UNMATCHED], unmatched)
        limits = {
            "ok": (self.copies.total(), sums["ok"], attempts),
            "letters": (letters + sum(self.copies[name] for name in silent), refused, attempts * 9),
            LATE: (0, sums[LATE], reasons[LATE]),
            DUPLICATE: (0, sums[DUPLICATE], reasons[DUPLICATE]),
        }
        return unequal(checks) | beyond(limits)


def _fate(made: Occurrence) -> Fate:
    if made.late:
        return Fate(LATE)
    if made.unmatched:
        return Fate(UNMATCHED)
    if made.refused:
        return Fate(made.refused)
    return Fate(FILTERED, has_letter=False) if made.idempotent else Fate(COUNTED)
