"""Registers the hours that were delivered, so that queries see them.

Work is in proportion to what is new: the folders of today, one request a table.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from glue.targets.lake import LakeTable
from lambdas.lake.ports import CatalogTable, GlueCatalog, Objects, Partition
from lambdas.lake.state import TableState

_DATE = re.compile(r"date=(\d{4}-\d\d-\d\d)/", re.ASCII)
_HOUR = re.compile(r"hour=(\d\d)/", re.ASCII)


@dataclass(frozen=True)
class Registrar:
    """Keeps the partitions of one use case's tables."""

    objects: Objects
    catalog: GlueCatalog

    def __call__(
        self,
        use_case: str,
        tables: Sequence[LakeTable],
        states: dict[str, TableState],
        days: Sequence[str] | None,
        now: datetime,
    ) -> int:
        """Register what is new below the days' folders (None: all); how many partitions."""
        folders = {t.parquet: t.parquet_folder for t in tables}
        folders |= {t.raw: t.raw_folder for t in tables}
        added = 0
        for table in self.catalog.tables(use_case):
            if folder := folders.get(table.name):
                state = states.setdefault(table.name, TableState())
                added += self._table(table, folder, state, days, now)
        return added

    def _table(
        self,
        table: CatalogTable,
        folder: str,
        state: TableState,
        days: Sequence[str] | None,
        now: datetime,
    ) -> int:
        if state.made != table.made:  # made anew: it has lost its partitions
            state.made, state.hours, days = table.made, set(), None
        new = [p for p in self._delivered(folder, days) if _name(p) not in state.hours]
        if new:
            self.catalog.add(table, new)
        self._widen(table, folder, state, now)
        state.hours |= {_name(partition) for partition in new}
        return len(new)

    def _widen(
        self,
        table: CatalogTable,
        folder: str,
        state: TableState,
        now: datetime,
    ) -> None:
        """Columns that the table has gained are in this hour's new files: show them.

        Earlier hours are left alone: they have none, and merging may be moving them.
        """
        columns = _digest(table)
        open_hour = f"{now:%Y-%m-%d/%H}"
        if state.columns not in ("", columns) and open_hour in state.hours:
            self.catalog.widen(table, _partition(folder, *open_hour.split("/")))
        state.columns = columns

    def _delivered(self, folder: str, days: Sequence[str] | None) -> Iterator[Partition]:
        for day in self._days(folder) if days is None else days:
            for hour in self._below(f"{folder}date={day}/", _HOUR):
                yield _partition(folder, day, hour)

    def _days(self, folder: str) -> Iterable[str]:
        return self._below(folder, _DATE)

    def _below(self, folder: str, form: re.Pattern[str]) -> Iterator[str]:
        """What the folders right below are for; those of another form are not ours."""
        for found in self.objects.folders(folder):
            if name := form.fullmatch(found.removeprefix(folder)):
                yield name[1]


def _partition(folder: str, date: str, hour: str) -> Partition:
    return Partition(date, hour, f"{folder}date={date}/hour={hour}/")


def _name(partition: Partition) -> str:
    return f"{partition.date}/{partition.hour}"


def _digest(table: CatalogTable) -> str:
    columns = orjson.dumps(table.descriptor.get("Columns", []), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(columns).hexdigest()[:16]
