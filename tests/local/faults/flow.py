"""The events of a use case in a run of faults, and what has to become of them.

Each use case has a module of its own beside this one (`flows`); nothing here knows any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar

from datagen import Settings as Shape
from glue.catalog import UseCase
from glue.instants import from_millis
from glue.schema import Schema
from sdpctl.settings import Settings
from sdpctl.sql.athena import Athena
from tests.local.driver import Auctions, Driver, Event
from tests.local.faults.sending import SHUFFLE, Sender

PERIOD = timedelta(minutes=1)
LATE, DUPLICATE, UNMATCHED, FILTERED = "late", "duplicate", "unmatched", "filtered"
Row = dict[str, Any]
Wrong = dict[str, Any]
"""By what was looked at, what was found and what is true; empty where nothing differs."""


@dataclass(frozen=True)
class Course:
    """A run, for those who make its events: `seconds` of them from `start` on.

    `earlier` are auctions that were counted before it.
    """

    settings: Settings
    driver: Driver
    seed: int
    start: datetime
    seconds: float
    earlier: Auctions

    def shape(self, rate: float, start: datetime | None = None) -> Shape:
        """Of generated events, `rate` a second: a tenth of them twice, 2 % late, 2 % unmatched."""
        return Shape(
            events=int(self.seconds * rate),
            start=start or self.start,
            seed=self.seed,
            rate=rate,
            duplicates=0.1,
            shuffle=SHUFFLE,
            late=0.02,
            unmatched=0.02,
            period=PERIOD,
        )


class Flow(ABC):
    """One use case's events, with their copies in the order of sending, and their truth."""

    use_case: ClassVar[UseCase]
    parameters: ClassVar[Mapping[str, str]] = {}
    """What a platform must have been deployed with, beside the parameters of all local tests."""
    counted: ClassVar[tuple[str, ...]] = ()
    """Measures of the first report whose sum is the version of a row: it only grows."""
    own_kinds: ClassVar[tuple[str, ...]] = ()
    """The names of the faults that only this use case has."""
    events: list[Event]
    truth: dict[str, Any]

    @abstractmethod
    def __init__(self, course: Course) -> None:
        """Make the events of a run."""

    @property
    def name(self) -> str:
        """The use case."""
        return self.use_case.name

    @property
    def report(self) -> Schema:
        """The report that is looked at while events flow."""
        return self.use_case.reports[0]

    @property
    def watched(self) -> list[Any]:
        """Its keys that are looked at, in this order."""
        return list(self.truth["reports"][self.report.path])

    def wrong_reports(self, driver: Driver) -> Wrong:
        """What the reports say and what is true, where they differ: totals and minutes."""
        return {
            f"{report.path}/{key}": pair
            for report in self.use_case.reports
            for key, row in self.totals(report).items()
            if (pair := self._wrong_report(driver, report, key, row))
        }

    def totals(self, report: Schema) -> Mapping[Any, Row]:
        """What a report must say, by key."""
        rows: Mapping[Any, Row] = self.truth["reports"][report.path]
        return rows

    def minutes(self, report: Schema) -> Sequence[Row]:
        """What it must say of each minute and key."""
        rows: Sequence[Row] = self.truth["periods"][report.path]
        return rows

    def _wrong_report(
        self, driver: Driver, report: Schema, key: Any, row: Row
    ) -> tuple[Any, Any] | None:
        totals, expected = _answered(driver, report, key), _numbers(report, row)
        if totals != expected:
            return totals, expected
        answer = driver.get(f"{report.path}/{key}/period", period="MINUTES", limit=1000).json()
        minutes = {r["period_start"]: _numbers(report, r) for r in answer.get("rows", [])}
        own = [r for r in self.minutes(report) if str(r[report.key]) == str(key)]
        starts = (from_millis(r[report.period] * 1000).isoformat(timespec="seconds") for r in own)
        true = dict(zip(starts, (_numbers(report, r) for r in own), strict=True))
        return None if minutes == true else (minutes, true)

    @abstractmethod
    def wrong_lake(self, lake: Athena, *, all_closed: bool) -> Wrong:
        """What the lake says and what is true, where they differ.

        Rows may be there twice: a record that Flink writes again, a record that is delivered again.
        Until all keys are closed some may be missing.
        """

    @abstractmethod
    def letters(self, lake: Athena) -> list[Row]:
        """The dead letters of the run's events in the lake, each once."""

    @abstractmethod
    def miscounted(
        self, sums: Mapping[str, int], rows: Sequence[Row], attempts: int, *, all_closed: bool
    ) -> Wrong:
        """What the ledger says of the run and what is true, where they differ.

        `rows` are the dead letters, `attempts` how often one of the events was in a request.
        """

    def closing(self) -> list[Event]:
        """Events that are sent behind all others, once nothing happens any more."""
        return []

    def is_closed(self, sums: Mapping[str, int]) -> bool:
        """Whether no record waits for others any more."""
        return not sums["waiting"]

    def kinds(self, sender: Sender, kill: Callable[[], str]) -> Mapping[str, Fault]:
        """Those faults; `kill` kills the process of its job."""
        return {}


Fault = Callable[[Random], str]
"""A fault that happens when it is called; what was done, for people."""


def _answered(driver: Driver, report: Schema, key: Any) -> Row:
    """The totals of a key, zeros while it is unknown."""
    answer = driver.get(f"{report.path}/{key}")
    return _numbers(report, answer.json() if answer.status_code == 200 else {})


def _numbers(report: Schema, row: Mapping[str, Any]) -> Row:
    return {column.name: row.get(column.name) or 0 for column in report.measures}


def moment(text: str) -> datetime:
    """An instant as events or Athena's answers have it, in UTC."""
    return datetime.fromisoformat(text.removesuffix(" UTC").removesuffix("Z") + "+00:00")


def beyond(limits: Mapping[str, tuple[int, int, int]]) -> Wrong:
    """Of least, found and most, those where the found number is not between the others."""
    return {name: limit for name, limit in limits.items() if list(limit) != sorted(limit)}


def unequal(checks: Mapping[str, tuple[Any, Any]]) -> Wrong:
    """Of found and true, those that differ."""
    return {name: pair for name, pair in checks.items() if pair[0] != pair[1]}


def reasons_of(rows: Sequence[Row]) -> Counter[str]:
    """How many dead letters there are of each reason."""
    return Counter(row["reason"] for row in rows)
