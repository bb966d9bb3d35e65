"""Every saved query over a small lake, run by the local engine, with exact results."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue.targets.gluetable import glue_columns
from glue.targets.lake import lake_tables
from sdpctl.local.athena import engine
from sdpctl.local.athena.tables import Part, Table
from sdpctl.sql.saved import saved_queries
from usecases.adtech import USE_CASE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUERIES = saved_queries(USE_CASE.queries)
Rows = list[dict[str, Any]]


def at(clock: str, day: int = 21) -> datetime:
    """That time of the day."""
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=UTC)


def event(type_: str, tx: str, when: datetime, delay: float = 0.5, **fields: Any) -> dict[str, Any]:
    """A row of parquet_bcns."""
    received = when + timedelta(seconds=delay)
    names = {"type": type_, "event_id": f"{tx}-{type_}", "tx_id": tx}
    return {**names, "occurred_at": when, "received_at": received, **fields}


def auction(tx: str, campaign: int, price: int, when: datetime, **fields: Any) -> dict[str, Any]:
    """A row of parquet_transactions: not won by default."""
    row = {"tx_id": tx, "campaign_item_id": campaign, "bid_price": price, "bid_at": when}
    return {**row, "won": False, "clicked": False, "app_uid": "app", "domain": "a.example"} | fields


def letter(id_: str, reason: str, when: datetime, sent: dict[str, Any]) -> dict[str, Any]:
    """A row of parquet_dead_letters; `sent` are its original bytes."""
    payload = base64.b64encode(json.dumps(sent).encode()).decode()
    row = {"id": id_, "stage": "flink", "reason": reason, "failed_at": when, "payload": payload}
    return row | {"event_id": sent.get("event_id"), "detail": f"it was {reason}"}


def bucket(campaign: int, when: datetime, *numbers: int, generation: int = 0) -> dict[str, Any]:
    """A row of parquet_aggregates: bids, impressions, clicks, spend; version is their sum."""
    names = ("bids", "impressions", "clicks", "spend")
    key = {"campaign_item_id": campaign, "period": int(when.timestamp())}
    version = sum(numbers[:3])
    return key | dict(zip(names, numbers, strict=True)) | {
        "version": version,
        "generation": generation,
    }  # fmt: skip


BID = {"app_uid": "app-1", "type": "bid"}
LAKE: dict[str, Rows] = {
    "bcns": [
        event("bid", "t1", at("10:00:00")),
        event("bid", "t1", at("10:00:00")),  # repeated by its sender, or by the delivery
        event("bid", "t2", at("10:00:01"), delay=30),
        event("imp", "t1", at("10:00:02")),
        event("imp", "t3", at("05:00:00"), delay=6 * 3600),
        event("bid", "t0", at("10:00:00", day=19)),
        {"type": "heartbeat", "event_id": "h", "occurred_at": NOW, "received_at": NOW},
    ],
    "impressions": [
        {"tx_id": "t1", "campaign_item_id": 1, "win_price": 90, "occurred_at": at("10:00:02")},
        {"tx_id": "t1", "campaign_item_id": 1, "win_price": 90, "occurred_at": at("10:00:02")},
        {"tx_id": "t4", "campaign_item_id": 2, "win_price": 10, "occurred_at": at("10:59:59")},
        {"tx_id": "t5", "campaign_item_id": 1, "win_price": 7, "occurred_at": at("11:00:00")},
    ],
    "clicks": [],
    "transactions": [
        auction("t1", 1, 400, at("10:00:00"), won=True, clicked=True, win_price=90),
        auction("t1", 1, 400, at("10:00:00"), won=True, clicked=True, win_price=90),
        auction("t2", 1, 499, at("10:00:01"), win_price=499),
        auction("t3", 2, 500, at("10:00:02"), won=True, win_price=50, domain="b.example"),
        auction("t4", 2, 900, at("10:00:03"), won=True, win_price=60, domain="b.example"),
    ],
    "aggregates": [
        bucket(1, at("10:00:00"), 1, 0, 0, 0),
        bucket(1, at("10:00:00"), 2, 1, 1, 90),
        bucket(1, at("10:05:00"), 9, 9, 9, 900),
        bucket(1, at("10:05:00"), 2, 1, 0, 10, generation=1),  # counted again: newer whatever
        bucket(2, at("10:00:00"), 4, 0, 0, 0),
        bucket(3, at("10:00:00", day=19), 1, 1, 1, 1),
    ],
    "dead_letters": [
        letter("d1", "duplicate", at("10:00:05"), {**BID, "event_id": "t1-bid"}),
        letter("d1", "duplicate", at("10:00:05"), {**BID, "event_id": "t1-bid"}),
        letter("d2", "duplicate", at("10:00:06"), {**BID, "event_id": "t1-bid"}),
        letter("d3", "duplicate", at("10:00:07"), {"type": "imp", "event_id": "t1-imp"}),
        letter("d4", "late", at("11:59:59"), {"type": "imp", "event_id": "t3-imp"}),
    ],
}

EXPECTED: dict[str, tuple[dict[str, str], list[list[Any]]]] = {
    "campaign_funnel": (
        {},
        [[1, 4, 2, 1, 100, 0.5, 0.5, 100.0], [2, 4, 0, 0, 0, 0.0, None, None]],
    ),
    "hourly_spend": (
        {"campaign": "1"},
        [["2026-11-21 10:00:00.000", 1, 90], ["2026-11-21 11:00:00.000", 1, 7]],
    ),
    "win_rate_by_price": ({}, [[0, 2, 1, 0.5], [500, 2, 2, 1.0]]),
    "dead_letters_by_reason": (
        {},
        [
            ["flink", "duplicate", 3, "2026-11-21 10:00:05.000", "2026-11-21 10:00:07.000",
             "it was duplicate"],
            ["flink", "late", 1, "2026-11-21 11:59:59.000", "2026-11-21 11:59:59.000",
             "it was late"],
        ],
    ),
    "late_arrivals": (
        {"from": "-P2D"},
        [
            ["1: under a second", "bid", 1, 0],
            ["1: under a second", "imp", 1, 0],
            ["2: under a minute", "bid", 1, 0],
            ["4: under a day", "imp", 1, 1],
        ],
    ),
    "duplicates_by_sender": ({}, [["app-1", 2, 1]]),
    "top_domains": ({}, [["b.example", 2, 2, 0, 110], ["a.example", 2, 1, 1, 90]]),
    "exact_counts": ({}, [["bid", 2, 3, 2], ["imp", 2, 2, 2]]),
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> list[Table]:
    """The tables of the definitions, over one file each; columns that a row has not are NULL."""
    folder = tmp_path_factory.mktemp("lake")
    return [_table(folder, table.parquet, table.columns, LAKE[table.record]) for table in
            lake_tables(USE_CASE)]  # fmt: skip


def _table(folder: Path, name: str, columns: Any, rows: Rows) -> Table:
    part = folder / name / "date=2026-11-21" / "hour=12"
    part.mkdir(parents=True)
    file = part / "part.parquet"
    if rows:
        pq.write_table(pa.Table.from_pylist(rows), file)
    serde = {"SerializationLibrary": "parquet.serde.ParquetHiveSerDe"}
    storage = {
        "Columns": [{"Name": c.name, "Type": c.type} for c in glue_columns(columns)],
        "SerdeInfo": serde,
    }
    keys = [{"Name": key, "Type": "string"} for key in ("date", "hour")]
    definition = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": keys}
    files = (str(file),) if rows else ()
    return Table("sdp_adtech", definition, (Part(("2026-11-21", "12"), files),))


def test_every_saved_query_is_tested() -> None:
    assert set(QUERIES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_query_answers_its_question(name: str, lake: list[Table]) -> None:
    given, rows = EXPECTED[name]
    sql = QUERIES[name].sql({"to": "2026-11-21T12:00:00Z", **given}, NOW)
    assert engine.run(sql, "sdp_adtech", lake).rows == rows


@pytest.mark.parametrize("name", EXPECTED)
def test_a_range_without_data_is_no_error(name: str, lake: list[Table]) -> None:
    given = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}
    assert engine.run(QUERIES[name].sql(given, NOW), "sdp_adtech", lake).rows == []
