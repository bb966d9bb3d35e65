"""A store in memory, and the reports over it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from glue.instants import to_millis
from glue.targets.dynamodb import Item
from lambdas.reports.app import create_app
from lambdas.tables import Tables
from tests.unit.lambdas.made_up import CATALOG, PROGRESS_TABLE, TABLES


class Memory:
    """Buckets of one machine, and a watermark."""

    def __init__(self, readings: Mapping[int, int], watermark: datetime | None = None) -> None:
        self.readings = readings
        self.watermark = watermark

    def get(self, table: str, key: Item) -> Item | None:
        if table != PROGRESS_TABLE:
            return None  # the buckets are older than totals are
        assert key == {"use_case": {"S": "factory"}}
        return {"watermark": {"N": str(to_millis(self.watermark))}} if self.watermark else None

    def items(
        self,
        table: str,
        key: tuple[str, Any],
        between: tuple[str, int, int],
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
        name, low, high = between
        assert (table, name, key[0]) == ("t-machines", "bucket", "machine")
        if key[1] != {"S": "m"}:
            return
        for bucket in sorted(self.readings, reverse=descending):
            if low <= bucket <= high:
                count = str(self.readings[bucket])
                yield {
                    "machine": {"S": "m"},
                    "bucket": {"N": str(bucket)},
                    "readings": {"N": count},
                    "watts": {"N": "-" + count},
                    "version": {"N": count},
                }


def client(store: Any, **parameters: str) -> TestClient:
    """The API over a store."""
    tables = Tables(TABLES, PROGRESS_TABLE)
    app = create_app(CATALOG, store, CATALOG.configured(parameters), tables)
    return TestClient(app, raise_server_exceptions=False)


def epoch(text: str) -> int:
    """Epoch seconds of a time with its offset; UTC without."""
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def every(period: timedelta, start: str, end: str) -> dict[int, int]:
    """A bucket with one reading for each step from start to end."""
    step = int(period.total_seconds())
    return dict.fromkeys(range(epoch(start), epoch(end), step), 1)
