"""Generated measurements in a run of faults: pairs, power and the report of each machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import usecases
from datagen import Generation
from sdpctl.sql.athena import Athena
from tests.local.driver import Event
from tests.local.faults.flow import Course, Flow, Row, Wrong, moment
from tests.local.faults.outcomes import Outcomes
from usecases.machines import generator

RATE = 10.0  # distinct measurements a second
# What is sent in one request after the platform was away for a while comes in any order.
DELAY = 30
# Rows of a record may be there twice: Flink writes again what it had written since its checkpoint.
RECORDS = {
    generator.PAIRS: """
SELECT DISTINCT thing, r_quantity, r_time, r_result, s_quantity, s_time, s_result, status,
  join_name, join_version
FROM parquet_pairs WHERE thing LIKE '{prefix}%' AND status = 'final'
""",
    generator.POWER: """
SELECT DISTINCT thing, occurred_at, power FROM parquet_power WHERE thing LIKE '{prefix}%'
""",
}
MEASURED = """
SELECT DISTINCT event_id FROM parquet_measurements WHERE thing LIKE '{prefix}%'
"""


class Machines(Flow):
    """Measurements of a run, and those with which all pairs are final."""

    (use_case,) = usecases.load(("machines",)).use_cases
    parameters: ClassVar = {
        "machines.WatermarkDelay": f"PT{DELAY}S",
        "machines.FinalAfter": "PT2M",  # a replay is of what is final
    }

    def __init__(self, course: Course) -> None:
        shape = course.shape(RATE)
        self._outcomes = Outcomes(generator)
        made = Generation(self.use_case, self._outcomes, shape)
        events, self.prefix = list(made), f"{shape.start_ms:x}-{shape.seed}-"
        self.truth = made.truth()
        things = list(self.truth["reports"][self.report.path])
        self.events, end = events, shape.start + shape.span
        self._last = list(generator.closing(things, end, timedelta(seconds=DELAY)))
        self._outcomes.send(events)

    def closing(self) -> list[Event]:
        """The last ones of each series."""
        self._outcomes.send(self._last)
        return self._last

    def is_closed(self, sums: Mapping[str, int]) -> bool:
        """But for the last ones of each series."""
        return sums["waiting"] <= len(self._last)

    def wrong_lake(self, lake: Athena, *, all_closed: bool) -> Wrong:
        """Measurements, pairs, power and dead letters."""
        wrong = self._outcomes.wrong_letters(self.letters(lake), all_closed=all_closed)
        for record, sql in RECORDS.items():
            rows = lake.rows(sql.format(prefix=self.prefix))
            wrong |= _different(record, rows, self.truth["records"][record])
        names = {row["event_id"] for row in lake.rows(MEASURED.format(prefix=self.prefix))}
        if names != self._outcomes.events.keys():
            missing = sorted(self._outcomes.events.keys() - names)
            wrong["measurements"] = (sorted(names - self._outcomes.events.keys()), missing)
        return wrong

    def letters(self, lake: Athena) -> list[Row]:
        """Those of the run."""
        return self._outcomes.letters(lake, self.prefix)

    def miscounted(
        self, sums: Mapping[str, int], rows: Sequence[Row], attempts: int, *, all_closed: bool
    ) -> Wrong:
        """As the generator says."""
        return self._outcomes.miscounted(sums, rows, attempts, all_closed=all_closed)


def _different(record: str, rows: Sequence[Row], expected: Sequence[Row]) -> Wrong:
    """What only the lake has, and what only the truth."""
    found, true = (sorted(map(_plain, each), key=str) for each in (rows, expected))
    if found == true:
        return {}
    more, missing = ([row for row in a if row not in b] for a, b in ((found, true), (true, found)))
    return {record: (len(found), len(true), more[:3], missing[:3])}


def _plain(row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Its times as instants."""
    times = {name for name in row if name == "occurred_at" or name.endswith("_time")}
    return tuple(sorted((n, moment(str(v)) if n in times else v) for n, v in row.items()))
