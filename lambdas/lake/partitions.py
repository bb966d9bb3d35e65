"""Registers delivered hours as partitions, so that queries see them.

The work is proportional to what is new: today's folders, one request per table. Only a re-created
table, which has lost its partitions, needs one pass over the whole history.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from glue.targets.lake import LakeTable
from lambdas.lake.generations import compacted
from lambdas.lake.state import TableState
from lambdas.lakestore.objects import Objects
from lambdas.lakestore.partitions import CatalogTable, GlueCatalog, Partition

_DATE = re.compile(r"date=(\d{4}-\d\d-\d\d)/", re.ASCII)
_HOUR = re.compile(r"hour=(\d\d)/", re.ASCII)


@dataclass(frozen=True)
class _Folders:
    """A table's folders: of deliveries, and of compacted hours."""

    delivered: str
    compacted: str | None = None


@dataclass(frozen=True)
class Registrar:
    """Keeps the partitions of one use case's tables.

    `more`: whether there is time for another day of a re-created table; the next run continues.
    """

    objects: Objects
    catalog: GlueCatalog
    more: Callable[[], bool] = lambda: True

    def __call__(
        self,
        use_case: str,
        tables: Sequence[LakeTable],
        states: dict[str, TableState],
        days: Sequence[str] | None,
        now: datetime,
    ) -> int:
        """Register new hours in the days' folders (None: all). Returns how many."""
        folders = {t.parquet: _Folders(t.parquet_folder, t.compacted_folder) for t in tables}
        folders |= {t.raw: _Folders(t.raw_folder) for t in tables}
        added = 0
        for table in self.catalog.tables(use_case):
            if table_folders := folders.get(table.name):
                state = states.setdefault(table.name, TableState())
                if state.made != table.made:
                    state.begin(table.made)
                added += self._restore(table, table_folders, state, now)
                if state.restored is None:
                    added += self._table(table, table_folders.delivered, state, days, now)
        return added

    def _restore(
        self, table: CatalogTable, folders: _Folders, state: TableState, now: datetime
    ) -> int:
        """The partitions of a re-created table, newest day first: compacted hours point at their
        generation, the others at their delivery folder.
        """
        if state.restored is None:
            return 0
        added = 0
        for day in self._earlier(folders, state.restored):
            if not self.more():
                return added
            hours = {_name(p): p for p in self._delivered(folders.delivered, [day])}
            if folders.compacted:
                merged = compacted(self.objects, folders.compacted, day, now)
                hours |= {_name(p): p for p in merged}
            added += self._add(table, list(hours.values()), state)
            state.restored = day
        state.restored = None
        return added

    def _earlier(self, folders: _Folders, day: str) -> list[str]:
        """The earlier days with files, newest first; all days if `day` is ""."""
        days = {*self._days(folders.delivered)}
        if folders.compacted:
            days |= {*self._days(folders.compacted)}
        return sorted((d for d in days if not day or d < day), reverse=True)

    def _table(
        self,
        table: CatalogTable,
        folder: str,
        state: TableState,
        days: Sequence[str] | None,
        now: datetime,
    ) -> int:
        new = [p for p in self._delivered(folder, days) if _name(p) not in state.hours]
        added = self._add(table, new, state)
        self._widen(table, folder, state, now)
        return added

    def _add(self, table: CatalogTable, new: Sequence[Partition], state: TableState) -> int:
        if new:
            self.catalog.add(table, new)
        state.hours |= {_name(partition) for partition in new}
        return len(new)

    def _widen(
        self,
        table: CatalogTable,
        folder: str,
        state: TableState,
        now: datetime,
    ) -> None:
        """This hour's new files have the columns added to the table: show them.

        Earlier hours stay as they are: they lack these columns, and compaction may be moving them.
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
        """The values of the folders directly below; other folders are ignored."""
        for path in self.objects.folders(folder):
            if name := form.fullmatch(path.removeprefix(folder)):
                yield name[1]


def _partition(folder: str, date: str, hour: str) -> Partition:
    return Partition(date, hour, f"{folder}date={date}/hour={hour}/")


def _name(partition: Partition) -> str:
    return f"{partition.date}/{partition.hour}"


def _digest(table: CatalogTable) -> str:
    columns = orjson.dumps(table.descriptor.get("Columns", []), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(columns).hexdigest()[:16]
