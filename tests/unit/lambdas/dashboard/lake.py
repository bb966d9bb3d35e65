"""A lake of one use case in DuckDB, and the page's API over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import duckdb
from annotated_types import Ge
from fastapi.testclient import TestClient

from glue import Actions, Catalog, Series, UseCase, event, record, report
from glue.definitions import FEATURE, RULE, definitions
from lambdas.dashboard.app import create_app
from lambdas.dashboard.views import Sources
from lambdas.ports.lake_rows import LakeUnavailable, Row
from tests.unit.lambdas.made_up import PARAMETERS, Machine, Reading


@report(path="sites", key="site", period="period", stream="sites")
class Site:
    """Readings of a site, in a stream of their own: a table of the lake has rows of one shape."""

    site: Annotated[int, Ge(0), "The site."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings taken."]


@event(key="name", stream="quiet")
class Quiet:
    """An event of a use case that declares nothing else."""

    name: Annotated[str, "Whose."]


@event(key="machine", stream="levels")
class Level:
    """Something was measured."""

    machine: Annotated[str, "The machine."]
    quantity: Annotated[str, "What."]
    level: Annotated[float, "How much."]


@record(key="site", stream="outputs")
class Output:
    """What a site gave."""

    site: Annotated[int, "The site."]
    at: Annotated[datetime, "When."]
    amount: Annotated[int, "How much."]


@record(key="subject", stream="findings")
class Finding:
    """Something that was found."""

    id: Annotated[str, "Its id."]
    kind: Annotated[str, "Its kind."]
    subject: Annotated[str, "The machine."]
    occurred_at: Annotated[datetime, "When."]
    height: Annotated[float | None, "How high."] = None


@record(key="subject", stream="decisions")
class Decided:
    """What was decided about a finding."""

    id: Annotated[str, "Its id."]
    kind: Annotated[str, "Its kind."]
    subject: Annotated[str, "The machine."]
    occurred_at: Annotated[datetime, "When."]
    passed: Annotated[bool, "Whether a rule was true."]
    rules: Annotated[str, "Their results."]
    score: Annotated[float | None, "Its score."] = None
    action_id: Annotated[str | None, "What follows."] = None


@record(key="subject", stream="notices")
class Notice:
    """What is sent."""

    id: Annotated[str, "Its id."]
    kind: Annotated[str, "Its kind."]
    subject: Annotated[str, "Who gets it."]
    occurred_at: Annotated[datetime, "When."]


_CLASSES = (Reading, Level, Output, Finding, Decided, Notice, Machine, Site)
FACTORY = UseCase(
    "factory",
    "Machines.",
    Path(),
    _CLASSES,
    parameters=PARAMETERS,
    series=(
        Series("levels", Level, value="level", by="quantity"),
        Series("outputs", Output, value="amount", at="at"),
    ),
    actions=Actions(Notice),
    definitions=definitions(RULE, FEATURE, event=Finding, events={"high": ("height",)}),
)
IDLE = UseCase("idle", "Nothing happens here.", Path(), (Quiet,))
CATALOG = Catalog((FACTORY, IDLE))
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_LETTERS = (
    "CREATE TABLE parquet_dead_letters (id VARCHAR, stage VARCHAR, reason VARCHAR, field VARCHAR,"
    " detail VARCHAR, event_id VARCHAR, occurred_at TIMESTAMP, failed_at TIMESTAMP,"
    " payload VARCHAR, encoding VARCHAR,"
    " source STRUCT(stream VARCHAR, shard VARCHAR, sequence_number VARCHAR), date VARCHAR)"
)

_LEVELS = (
    "CREATE TABLE parquet_levels (type VARCHAR, event_id VARCHAR, occurred_at TIMESTAMP,"
    " machine VARCHAR, quantity VARCHAR, level DOUBLE, date VARCHAR)"
)
_OUTPUTS = 'CREATE TABLE parquet_outputs (site BIGINT, "at" TIMESTAMP, amount BIGINT, date VARCHAR)'
_DECISIONS = (
    "CREATE TABLE parquet_decisions (id VARCHAR, kind VARCHAR, subject VARCHAR,"
    " occurred_at TIMESTAMP, passed BOOLEAN, rules VARCHAR, score DOUBLE, action_id VARCHAR,"
    " date VARCHAR)"
)


class Lake:
    """Answers with each value as text, as Athena does."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone='UTC'")
        self.database.execute(_LETTERS)
        self.database.execute("CREATE TABLE parquet_aggregates (machine VARCHAR, date VARCHAR)")
        self.database.execute("CREATE TABLE parquet_sites (site BIGINT, date VARCHAR)")
        for table in (_LEVELS, _OUTPUTS, _DECISIONS):
            self.database.execute(table)
        self.down = False
        self.takes: Callable[[], None] = lambda: None

    def query(self, use_case: str, sql: str) -> Sequence[Row]:
        """The rows of the one use case that has some."""
        assert use_case == "factory"
        if self.down:
            raise LakeUnavailable("down")
        self.takes()
        rows = self.database.execute(sql).fetchall()
        return [[None if value is None else str(value) for value in row] for row in rows]

    def named(self, use_case: str, sql: str, seconds: float) -> Sequence[Mapping[str, Any]]:
        """The rows by column."""
        assert seconds > 1
        if self.down:
            raise LakeUnavailable("down")
        found = self.database.execute(sql)
        names = [column[0] for column in found.description or []]
        return [
            {n: str(v) if isinstance(v, datetime) else v for n, v in zip(names, row, strict=True)}
            for row in found.fetchall()
        ]

    def insert(self, table: str, ago: timedelta, time: str = "occurred_at", **row: Any) -> None:
        """A row of what happened some time ago, delivered at once."""
        at = (NOW - ago).replace(tzinfo=None)
        named = {time: at, "date": f"{at:%Y-%m-%d}", **row}
        names = ", ".join(f'"{name}"' for name in named)
        marks = ", ".join("?" for _ in named)
        self.database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*named.values()])

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


def client(lake: Lake, catalog: Catalog = CATALOG, **sources: Any) -> TestClient:
    """The page's API over it; `sources` are those of the views that a test reads."""
    found = Sources(**{"lake": lake, **_NOTHING, **sources})
    app = create_app(catalog, lake, catalog.configured({}), lambda: NOW, found)
    return TestClient(app, raise_server_exceptions=False)


_NOTHING: dict[str, Any] = {
    "flows": None,
    "models": None,
    "actions": {},
    "ledger": None,
    "progress": lambda use_case: None,
    "audited": (),
    "replays": None,
    "door": None,
}


def pages(api: TestClient, path: str, items: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        answer = api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert 0 < len(answer.json()[items]) <= query.get("limit", 100)
        found += answer.json()[items]
        if answer.json()["next"] is None:
            return found
        query["next"] = answer.json()["next"]
