"""Glue columns as Arrow has them, and what a column takes."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from sdpctl.local.delivery.columns import MismatchError, array, arrow_type, timestamp_pattern
from sdpctl.local.delivery.errors import UnsupportedColumn, UnsupportedFormat
from tests.unit.sdpctl.delivery.described import FORMATS

PATTERN = timestamp_pattern(FORMATS)
TAKEN: list[tuple[str, Any, Any]] = [
    ("string", "x", "x"),
    ("bigint", 2**63 - 1, 2**63 - 1),
    ("double", 1, 1.0),
    ("double", 0.5, 0.5),
    ("double", 2**63, float(2**63)),
    ("boolean", False, False),
    ("string", 7, "7"),
    ("string", 0.5, "0.5"),
    ("string", True, "true"),
    ("bigint", 1.9, 1),
    ("boolean", "TRUE", True),
    ("boolean", 1, False),
    ("timestamp", "2026-11-21T10:00:00.123Z", datetime(2026, 11, 21, 10, 0, 0, 123_000)),  # noqa: DTZ001
    ("timestamp", "2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10)),  # noqa: DTZ001
    ("struct<a:bigint>", {"a": 1, "b": 2}, {"a": 1}),
    ("struct<a:bigint>", {}, {"a": None}),
]
REFUSED: list[tuple[str, Any]] = [
    ("string", [1]),
    ("string", {}),
    ("bigint", "1"),
    ("bigint", 1e19),
    ("bigint", True),
    ("bigint", 2**63),
    ("bigint", [1]),
    ("double", "1"),
    ("double", False),
    ("boolean", {}),
    ("timestamp", 1_700_000_000_000),
    ("timestamp", "2026-11-21"),
    ("timestamp", "2026-11-21T10:00:00+01:00"),
    ("timestamp", "2026-11-21T10:00:00.1Z"),
    ("timestamp", "2026-02-30T10:00:00Z"),
    ("struct<a:bigint>", "a"),
    ("struct<a:bigint>", {"a": "1"}),
]


@pytest.mark.parametrize(("hive", "value", "stored"), TAKEN)
def test_a_value_of_the_column_is_stored(hive: str, value: Any, stored: Any) -> None:
    found = array([None, value], arrow_type(hive), PATTERN)
    assert found.to_pylist() == [None, stored]


@pytest.mark.parametrize(("hive", "value"), REFUSED)
def test_a_value_that_hives_reader_cannot_take_is_refused(hive: str, value: Any) -> None:
    with pytest.raises(MismatchError):
        array([None, value], arrow_type(hive), PATTERN)


@pytest.mark.parametrize("hive", ["string", "bigint", "timestamp", "struct<a:string>"])
def test_a_column_of_nothing_but_nulls_keeps_its_type(hive: str) -> None:
    found = array([None, None], arrow_type(hive), PATTERN)
    assert (found.type, found.null_count) == (arrow_type(hive), 2)


def test_structs_nest() -> None:
    inner = pa.struct([("b", pa.string()), ("c", pa.timestamp("ms"))])
    wanted = pa.struct([("a", inner), ("d", pa.int64())])
    assert arrow_type("struct<a:struct<b:string,c:timestamp>,d:bigint>") == wanted


@pytest.mark.parametrize("hive", ["int", "array<string>", "struct<a:map<string,string>>"])
def test_a_type_that_no_definition_renders_is_named(hive: str) -> None:
    with pytest.raises(UnsupportedColumn, match="column type"):
        arrow_type(hive)


def test_a_timestamp_format_that_is_not_known_is_named() -> None:
    with pytest.raises(UnsupportedFormat, match="EEE"):
        timestamp_pattern(["EEE, dd MMM"])
