"""Which objects of the lake a range needs, and whether they are all still there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sdpctl.backfill.computing import Lake, require_remembered
from sdpctl.backfill.plan import Span, plan
from sdpctl.errors import CommandError
from usecases.shopping import USE_CASE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN = plan(Span(NOON, NOON + HOUR), USE_CASE.configured({}), remembers=True)


class Store:
    """A lake whose hours are registered; `kept` have an object of each table."""

    def __init__(self, registered: range, kept: range) -> None:
        self.registered, self.kept = registered, kept

    def get_paginator(self, operation: str) -> Store:
        self.operation = operation
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        if self.operation == "get_partitions":
            table = request["TableName"].removeprefix("raw_")
            return [{"Partitions": [_partition(table, hour) for hour in self.registered]}]
        hour = int(request["Prefix"].rstrip("/").rpartition("=")[2])
        kept = hour in self.kept
        return [{"Contents": [{"Key": f"{request['Prefix']}x", "Size": 1}] if kept else []}]


def _partition(table: str, hour: int) -> dict[str, Any]:
    folder = f"shopping/raw/{table}/date=2026-11-21/hour={hour:02}/"
    values = ["2026-11-21", f"{hour:02}"]
    return {"Values": values, "StorageDescriptor": {"Location": f"s3://lake/{folder}"}}


def expired(registered: range, kept: range) -> datetime | None:
    """The first hour that has lost its records."""
    store = Store(registered, kept)
    return Lake("sdp_shopping", USE_CASE, store, store).select(PLAN).expired


def test_a_lake_that_has_lost_what_is_remembered_is_refused() -> None:
    found = expired(range(2, 14), kept=range(6, 14))
    assert found == NOON - 10 * HOUR
    with pytest.raises(
        CommandError, match=r"--from 2026-11-21T12:00:00\.000Z: .*T02:00:00"
    ) as error:
        require_remembered(PLAN, found)
    assert "lakeRawDays=forever" in str(error.value)
    assert expired(range(2, 14), kept=range(0)) == NOON - 10 * HOUR


def test_an_hour_that_was_registered_before_anything_was_delivered_has_lost_nothing() -> None:
    assert expired(range(2, 14), kept=range(2, 14)) is None
    assert expired(range(2, 14), kept=range(3, 14)) is None
    assert expired(range(0), kept=range(0)) is None
    require_remembered(PLAN, None)
