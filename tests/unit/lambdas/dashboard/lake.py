"""A lake of one table of dead letters and one of each report, in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import duckdb
from annotated_types import Ge
from fastapi.testclient import TestClient

from glue import Catalog, UseCase, report
from lambdas.dashboard.app import create_app
from lambdas.ports.lake_rows import LakeUnavailable, Row
from tests.unit.lambdas.made_up import PARAMETERS, Machine, Reading


@report(path="sites", key="site", period="period", stream="sites")
class Site:
    """Readings of a site, in a stream of their own: a table of the lake has rows of one shape."""

    site: Annotated[int, Ge(0), "The site."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings taken."]


_CLASSES = (Reading, Machine, Site)
CATALOG = Catalog((UseCase("factory", "Machines.", Path(), _CLASSES, parameters=PARAMETERS),))
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_LETTERS = (
    "CREATE TABLE parquet_dead_letters (id VARCHAR, stage VARCHAR, reason VARCHAR, field VARCHAR,"
    " detail VARCHAR, event_id VARCHAR, occurred_at TIMESTAMP, failed_at TIMESTAMP,"
    " payload VARCHAR, encoding VARCHAR,"
    " source STRUCT(stream VARCHAR, shard VARCHAR, sequence_number VARCHAR), date VARCHAR)"
)


class Lake:
    """Answers with each value as text, as Athena does."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone='UTC'")
        self.database.execute(_LETTERS)
        self.database.execute("CREATE TABLE parquet_aggregates (machine VARCHAR, date VARCHAR)")
        self.database.execute("CREATE TABLE parquet_sites (site BIGINT, date VARCHAR)")
        self.down = False

    def query(self, use_case: str, sql: str) -> Sequence[Row]:
        """The rows of the one use case."""
        assert use_case == "factory"
        if self.down:
            raise LakeUnavailable("down")
        rows = self.database.execute(sql).fetchall()
        return [[None if value is None else str(value) for value in row] for row in rows]

    def letter(self, id_: str, *, ago: timedelta = timedelta(minutes=1), **fields: Any) -> None:
        """A dead letter that failed some time ago; `times` is how often it was delivered."""
        times = fields.pop("times", 1)
        at = (NOW - ago).replace(tzinfo=None)
        row: dict[str, Any] = {
            "id": id_,
            "stage": "flink",
            "reason": "malformed",
            "failed_at": at,
            "date": f"{at:%Y-%m-%d}",
            "source": {"stream": "readings", "shard": "shard-0", "sequence_number": "1"},
            **fields,
        }
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        for _ in range(times):
            self.database.execute(
                f"INSERT INTO parquet_dead_letters ({names}) VALUES ({marks})", [*row.values()]
            )


def client(lake: Lake) -> TestClient:
    """The page's API over it."""
    app = create_app(CATALOG, lake, CATALOG.configured({}), lambda: NOW)
    return TestClient(app, raise_server_exceptions=False)
