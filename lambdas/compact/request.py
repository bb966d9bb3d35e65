"""The request of a run: everything that is due, or one table, one day, one hour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from glue import Catalog, PlatformError
from glue.targets.lake import LakeTable, lake_tables
from lambdas.lakestore.hours import Hour

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HOUR = re.compile(r"[01]\d|2[0-3]", re.ASCII)


class RequestError(PlatformError):
    """The request is invalid."""


@dataclass(frozen=True)
class Request:
    """Empty values mean all. `table` may have the prefix `parquet_` or not."""

    use_case: str = ""
    table: str = ""
    date: str = ""
    hour: str = ""
    dry_run: bool = False

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Request:
        """Parses the function's event; the schedule's has no filter. Raises RequestError."""
        text = {name: str(event.get(name) or "") for name in ("use_case", "table", "date", "hour")}
        if text["date"] and not _is_date(text["date"]):
            raise RequestError(f"date {text['date']!r}: expected YYYY-MM-DD, like 2026-11-21")
        if text["hour"] and not _HOUR.fullmatch(text["hour"]):
            raise RequestError(f"hour {text['hour']!r}: expected 00 to 23")
        return cls(**text, dry_run=event.get("dry_run") is True)

    def tables(self, catalog: Catalog) -> list[LakeTable]:
        """The requested tables. Raises RequestError with the choices if the table is unknown."""
        known = [t for u in catalog.use_cases for t in lake_tables(u)]
        named = [t for t in known if self.use_case in ("", t.use_case)]
        tables = [t for t in named if self.table in ("", t.parquet, t.record)]
        if not tables:
            choices = sorted({t.parquet for t in named or known})
            name = " ".join(filter(None, (self.use_case, self.table)))
            raise RequestError(f"table {name} is unknown; tables: {choices}")
        return tables

    def hours(
        self, catalog: Catalog, waiting: Callable[[LakeTable], Iterator[Hour]]
    ) -> Iterator[Hour]:
        """The requested hours among those that are due."""
        for table in self.tables(catalog):
            for hour in waiting(table):
                date, number = hour.values
                if self.date in ("", date) and self.hour in ("", number):
                    yield hour


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False
