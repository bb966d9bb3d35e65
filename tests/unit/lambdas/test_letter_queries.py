"""Dead letters out of the lake: the query on DuckDB, each letter once; bytes as they were."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from glue.deadletter import original
from lambdas.letter_queries import Record, count_query, query
from sdpctl.commands.dead_letters import nested
from sdpctl.local.athena.functions import STATEMENTS
from sdpctl.sql.glimpse import glimpse

SINCE = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANY: dict[str, str | None] = {"reason": None, "stage": None}
LETTERS = [
    # id, stage, reason, failed at, delivered on
    ("a", "flink", "malformed", "2026-03-02 13:00:00", "2026-03-02"),
    ("a", "flink", "malformed", "2026-03-02 13:00:00", "2026-03-03"),
    ("b", "lake", "malformed", "2026-03-04 09:00:00", "2026-03-04"),
    ("c", "flink", "late", "2026-03-03 10:00:00", "2026-03-03"),
    ("old", "flink", "late", "2026-03-02 11:00:00", "2026-03-02"),
]


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        found.execute(
            "CREATE TABLE parquet_dead_letters (id VARCHAR, stage VARCHAR, reason VARCHAR, "
            "failed_at TIMESTAMP, date VARCHAR, field VARCHAR, detail VARCHAR, event_id VARCHAR, "
            "occurred_at TIMESTAMP, payload VARCHAR, encoding VARCHAR, "
            "source STRUCT(stream VARCHAR, shard VARCHAR, sequence_number VARCHAR))"
        )
        for letter in LETTERS:
            found.execute(
                "INSERT INTO parquet_dead_letters (id, stage, reason, failed_at, date, source) "
                "VALUES (?, ?, ?, ?, ?, "
                "{'stream': 'sales', 'shard': 's0', 'sequence_number': '7'})",
                letter,
            )
        yield found


def _ids(lake: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return [row[0] for row in lake.execute(sql).fetchall()]


def test_each_letter_is_shown_once_the_newest_first(lake: duckdb.DuckDBPyConnection) -> None:
    assert _ids(lake, query(SINCE, ANY)) == ["b", "c", "a"]
    assert _ids(lake, query(SINCE, ANY, limit=1)) == ["b"]


def test_letters_can_be_chosen_by_reason_and_stage(lake: duckdb.DuckDBPyConnection) -> None:
    assert _ids(lake, query(SINCE, {"reason": "malformed", "stage": None})) == [
        "b",
        "a",
    ]
    assert _ids(lake, query(SINCE, {"reason": "malformed", "stage": "lake"})) == ["b"]
    assert _ids(lake, query(SINCE, {"reason": "it's", "stage": None})) == []


def test_letters_can_be_chosen_by_event_and_by_key(lake: duckdb.DuckDBPyConnection) -> None:
    for statement in STATEMENTS:
        lake.execute(statement)
    payloads = {
        "a": b'{"order": "it\'s", "n": 1}',
        "b": b"\xff no JSON",
        "c": gzip.compress(b'{"order": "it\'s"}'),
        "old": b'{"sku": 7}',
    }
    for name, data in payloads.items():
        text = base64.b64encode(data).decode()
        lake.execute(
            "UPDATE parquet_dead_letters SET payload = ?, event_id = ? WHERE id = ?",
            [text, f"e-{name}", name],
        )
    record = Record(("order", "sku"), "it's")
    assert _ids(lake, query(SINCE, ANY, record=record)) == ["a"]
    assert lake.execute(count_query(SINCE, ANY, record)).fetchall()[0][2] == 1
    before = datetime(2026, 3, 1, tzinfo=UTC)
    assert _ids(lake, query(before, ANY, record=Record(("order", "sku"), "7"))) == ["old"]
    assert _ids(lake, query(SINCE, {"event_id": "e-b"})) == ["b"]
    assert _ids(lake, query(SINCE, {"event_id": ["e-b", "another's"]})) == ["b"]


def test_letters_are_counted_by_stage_and_reason(lake: duckdb.DuckDBPyConnection) -> None:
    found = lake.execute(count_query(SINCE, ANY)).fetchall()
    assert [row[:3] for row in found] == [
        ("flink", "late", 1),
        ("flink", "malformed", 1),
        ("lake", "malformed", 1),
    ]


def test_a_letter_has_the_form_of_its_stream(lake: duckdb.DuckDBPyConnection) -> None:
    found = lake.execute(query(SINCE, ANY, limit=1))
    names = [column[0] for column in found.description or []]
    letter = nested(dict(zip(names, found.fetchall()[0], strict=True)))
    assert letter["source"] == {"stream": "sales", "shard": "s0", "sequence_number": "7"}
    assert {"id", "stage", "reason", "payload", "encoding"} < set(letter)


def test_the_original_bytes_come_back_packed_or_not() -> None:
    data = b"\x00\xff not json"
    assert original(base64.b64encode(data).decode(), None) == data
    assert original(base64.b64encode(gzip.compress(data)).decode(), "gzip") == data
    assert original(None, None) is None


def test_a_glimpse_of_the_bytes_is_one_short_line() -> None:
    assert glimpse(b'{"a":\n1}\n') == '{"a": 1}'
    assert glimpse(b"\xff\x00!") == "\\xff !"
    assert len(glimpse(b"x" * 10_000)) == 60
    assert glimpse(None) == ""
