"""The hours of a table: one Glue partition each, and the folders that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glue.targets.lake import LakeTable, partition_folder
from lambdas.lakestore.objects import Objects

HOUR = timedelta(hours=1)
_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})/hour=(\d{2})/", re.ASCII)


@dataclass(frozen=True)
class Hour:
    """One hour of delivery (UTC) of one table. Folders are key prefixes that end in `/`."""

    table: LakeTable
    start: datetime

    @property
    def values(self) -> tuple[str, str]:
        """The partition's values: date and hour."""
        return f"{self.start:%Y-%m-%d}", f"{self.start:%H}"

    @property
    def delivered(self) -> str:
        """Where files of this hour are delivered."""
        return self.table.parquet_folder + partition_folder(self.start)

    @property
    def compacted(self) -> str:
        """The folder of everything that compaction writes for this hour."""
        return self.table.compacted_folder + partition_folder(self.start)

    def closed(self, now: datetime, after: timedelta) -> bool:
        """Whether the hour ended at least `after` ago; later deliveries are rare."""
        return now >= self.start + HOUR + after

    def __str__(self) -> str:
        date, hour = self.values
        return f"{self.table.use_case}/{self.table.parquet}/{date}/{hour}"


def waiting(objects: Objects, table: LakeTable) -> Iterator[Hour]:
    """The hours with delivered objects, oldest first.

    Compaction removes what it has replaced, so these are the hours with new objects and those in
    their grace time: one listing per day of theirs, however long the history is.
    """
    for day in objects.folders(table.parquet_folder):
        for folder in objects.folders(day):
            match = _FOLDER.fullmatch(folder.removeprefix(table.parquet_folder))
            if match and (start := _instant(*match.groups())):
                yield Hour(table, start)


def _instant(date: str, hour: str) -> datetime | None:
    try:
        return datetime.strptime(f"{date} {hour}", "%Y-%m-%d %H").replace(tzinfo=UTC)
    except ValueError:
        return None
