"""The store in memory, as strict as the table: a write is a transaction with its conditions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi.testclient import TestClient

import usecases
from lambdas.definitions.app import create_app
from lambdas.ports.business_events import BusinessEvent, Newest
from lambdas.ports.definitions import Frontier, FrontierPassed, Overtaken, Version

NOW = 1_795_000_000_000
TABLE = "t"


class Memory:
    """`interrupt` is called once, between a writer's reads and its write."""

    def __init__(self) -> None:
        self.at = Frontier()
        self.versions: list[Version] = []
        self.interrupt: Any = None

    def frontier(self, table: str) -> Frontier:
        return self.at

    def head(self, table: str, kind: str, name: str) -> Version | None:
        found = self.history(table, kind, name, 10**12, 1)
        return found[0] if found else None

    def heads(self, table: str, kind: str | None, after: str, limit: int) -> list[Version]:
        newest = {f"{v.kind}#{v.name}": v for v in self.versions}
        names = sorted(n for n in newest if n > after and (kind is None or newest[n].kind == kind))
        return [newest[name] for name in names[:limit]]

    def history(self, table: str, kind: str, name: str, before: int, limit: int) -> list[Version]:
        own = [v for v in self.versions if (v.kind, v.name) == (kind, name) and v.version < before]
        return own[::-1][:limit]

    def write(self, table: str, version: Version) -> None:
        interrupt, self.interrupt = self.interrupt, None
        if interrupt:
            interrupt()
        if self.at.instant >= version.valid_from:
            raise FrontierPassed(self.at.instant)
        head = self.head(table, version.kind, version.name)
        if (self.at.sequence, head.version if head else 0) != (
            version.sequence - 1,
            version.version - 1,
        ):
            raise Overtaken("read again")
        self.at = replace(self.at, sequence=version.sequence)
        self.versions.append(version)


class Events:
    """Business events of the lake; `profiles` are those by which they were decided, by their id.

    `unknown`: the ids of those of which the lake does not tell how they were decided.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.profiles: dict[str, dict[str, Any]] = {}
        self.unknown: set[str] = set()

    def between(
        self, use_case: str, kind: str, start: datetime, end: datetime, limit: int, seconds: float
    ) -> Newest:
        assert 0 < seconds < 29
        rows = [r for r in self.rows if r["kind"] == kind and start <= r["occurred_at"] < end]
        rows.sort(key=lambda r: r["occurred_at"], reverse=True)
        return Newest(len(rows), [self._event(row) for row in rows[:limit]])

    def _event(self, row: dict[str, Any]) -> BusinessEvent:
        if row["id"] in self.unknown:
            return BusinessEvent(row, unknown="its decision is not in the lake")
        if row["id"] not in self.profiles:
            return BusinessEvent(row)
        return BusinessEvent(row, self.profiles[row["id"]], f"profile of {row['id']}")


class Door:
    """The API over a store in memory, for one use case; all have one table."""

    def __init__(self, use_case: str = "shopping") -> None:
        self.use_case = use_case
        self.store, self.events, self.now = Memory(), Events(), NOW
        self.seconds: Iterator[float] = itertools.repeat(0.0)  # what the monotonic clock says
        catalog = usecases.load()
        app = create_app(
            catalog,
            self.store,
            {u.name: TABLE for u in catalog.use_cases if u.definitions},
            catalog.configured({}),
            self.events,
            lambda: self.now,
            lambda: next(self.seconds),
        )
        self.client = TestClient(app, raise_server_exceptions=False)

    def call(self, method: str, path: str, sent: Any = None, **more: Any) -> Any:
        """A request below the use case's path."""
        body = {} if sent is None else {"json": sent}
        return self.client.request(method, f"/definitions/{self.use_case}{path}", **body, **more)
