"""What the function has already done, stored as one small object per use case.

Losing it costs work, never correctness: existing partitions stay as they are, and a dead letter
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
HOUR = timedelta(hours=1)
# A file is stored in the folder of the hour in which its oldest record arrived. Yesterday's folders
# are checked this often for late files; after an outage of the delivery, files arrive for any hour
# whose records the streams still had, so all those days are checked hourly.
LOOK_BACK_MINUTES = 10
LOOK_BACK_FAR = HOUR


def state_key(use_case: str) -> str:
    """The object's key in the lake's bucket."""
    return f"{use_case}/state/lake.json"


@dataclass
class TableState:
    """A table as last seen: when it was created, its columns, and its registered recent hours.

    `restored` is the earliest day whose partitions a re-created table has again: "" before the
    first, None once all are restored.
    """

    made: str = ""
    columns: str = ""
    hours: set[str] = field(default_factory=set)
    restored: str | None = None

    def begin(self, made: str) -> None:
        """The table was re-created and has lost its partitions."""
        self.made, self.hours, self.restored = made, set(), ""


@dataclass
class State:
    """`looked_at`: the last complete run. `reported`: lines reported per error object.

    `looked_back_at`: the last check of all days of the streams' retention.
    """

    looked_at: datetime | None = None
    looked_back_at: datetime | None = None
    tables: dict[str, TableState] = field(default_factory=dict)
    reported: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes | None) -> State:
        """The state in an object's bytes; a new one if there is no object."""
        if data is None:
            return cls()
        state: dict[str, Any] = orjson.loads(data)
        return cls(
            looked_at=_instant(state["looked_at"]),
            looked_back_at=_instant(state.get("looked_back_at")),
            tables={
                name: TableState(
                    table["made"], table["columns"], set(table["hours"]), table.get("restored")
                )
                for name, table in state["tables"].items()
            },
            reported=state["reported"],
        )

    def write(self) -> bytes:
        """The object's bytes; equal states give equal bytes."""
        return orjson.dumps(
            {
                "looked_at": to_wire(self.looked_at) if self.looked_at else None,
                "looked_back_at": to_wire(self.looked_back_at) if self.looked_back_at else None,
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

    def days(self, now: datetime, retention: timedelta) -> list[str] | None:
        """The days to check, as folders spell them; None for all.

        Today; each day since the last run; yesterday, every ten minutes; and once an hour all days
        to which files may still be delivered: those of the streams' `retention`.
        """
        if self.looked_at is None:
            return None
        first = now
        if now.minute % LOOK_BACK_MINUTES == 0:
            first = now - DAY
        if self.looked_at.date() < now.date():
            first = self.looked_at - DAY
        if self.due_far(now):
            first = min(first, now - retention)
        return [*_days(first, now)]

    def due_far(self, now: datetime) -> bool:
        """Whether it is time to check all days of the streams' retention."""
        return self.looked_back_at is None or now - self.looked_back_at >= LOOK_BACK_FAR

    def done(self, now: datetime, retention: timedelta) -> None:
        """Mark `days(now)` as checked; drop what is never checked again."""
        if self.due_far(now):
            self.looked_back_at = now
        self.looked_at = now
        self._forget(now, retention)

    def _forget(self, now: datetime, retention: timedelta) -> None:
        oldest = f"{now - retention - 2 * DAY:%Y-%m-%d}"
        for table in self.tables.values():
            table.hours = {hour for hour in table.hours if hour >= oldest}
        self.reported = {k: n for k, n in self.reported.items() if _day_of(k) >= oldest}


def _days(first: datetime, last: datetime) -> Iterator[str]:
    for number in range((last.date() - first.date()).days + 1):
        yield f"{first + number * DAY:%Y-%m-%d}"


def _instant(text: str | None) -> datetime | None:
    return parse(text) if text else None


def _day_of(key: str) -> str:
    return key.partition("/date=")[2][:10]
