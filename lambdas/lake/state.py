"""What the function has done already, kept as one small object per use case.

Losing it costs work, never correctness: partitions that exist are left alone, and a dead letter
that is written again has the same id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from glue.instants import parse, to_wire

DAY = timedelta(days=1)
# Yesterday may still be delivered to; so often it is looked at again.
LOOK_BACK_MINUTES = 10


def state_key(use_case: str) -> str:
    """The object's key in the lake's bucket."""
    return f"{use_case}/state/lake.json"


@dataclass
class TableState:
    """A table as last seen: when it was made, its columns, and its registered recent hours.

    `restored` is the earliest day whose partitions a table made anew has again, "" if none has;
    None once all have.
    """

    made: str = ""
    columns: str = ""
    hours: set[str] = field(default_factory=set)
    restored: str | None = None

    def begin(self, made: str) -> None:
        """The table was made anew: it has no partition any more."""
        self.made, self.hours, self.restored = made, set(), ""


@dataclass
class State:
    """`looked_at` is the last time all was done; `reported` counts the lines of error objects."""

    looked_at: datetime | None = None
    tables: dict[str, TableState] = field(default_factory=dict)
    reported: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes | None) -> State:
        """The state in an object's bytes; a new one where there is none."""
        if data is None:
            return cls()
        found: dict[str, Any] = orjson.loads(data)
        return cls(
            looked_at=parse(found["looked_at"]) if found["looked_at"] else None,
            tables={
                name: TableState(
                    table["made"], table["columns"], set(table["hours"]), table.get("restored")
                )
                for name, table in found["tables"].items()
            },
            reported=found["reported"],
        )

    def write(self) -> bytes:
        """As an object's bytes; the same state gives the same bytes."""
        return orjson.dumps(
            {
                "looked_at": to_wire(self.looked_at) if self.looked_at else None,
                "tables": {
                    name: {
                        "made": t.made,
                        "columns": t.columns,
                        "hours": sorted(t.hours),
                        "restored": t.restored,
                    }
                    for name, t in self.tables.items()
                },
                "reported": self.reported,
            },
            option=orjson.OPT_SORT_KEYS,
        )

    def days(self, now: datetime) -> list[str] | None:
        """The days to look at, as folders name them; None: all there are.

        Today; each day since the last look; and yesterday, every ten minutes.
        """
        if self.looked_at is None:
            return None
        first = now
        if now.minute % LOOK_BACK_MINUTES == 0:
            first = now - DAY
        if self.looked_at.date() < now.date():
            first = self.looked_at - DAY
        return [*_days(first, now)]

    def forget(self, now: datetime) -> None:
        """Drop what lies before any day that will be looked at again."""
        oldest = f"{now - 2 * DAY:%Y-%m-%d}"
        for table in self.tables.values():
            table.hours = {hour for hour in table.hours if hour >= oldest}
        self.reported = {k: n for k, n in self.reported.items() if _day_of(k) >= oldest}


def _days(first: datetime, last: datetime) -> Iterator[str]:
    for number in range((last.date() - first.date()).days + 1):
        yield f"{first + number * DAY:%Y-%m-%d}"


def _day_of(key: str) -> str:
    return key.partition("/date=")[2][:10]
