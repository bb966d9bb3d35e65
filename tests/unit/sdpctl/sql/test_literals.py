"""Values as literals: typed, quoted, never pasted in."""

from datetime import UTC, datetime

import duckdb
import pytest

from sdpctl.sql.literals import literal

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("text", "O'Hara", "'O''Hara'"),
        ("text", "'; DROP TABLE x; --", "'''; DROP TABLE x; --'"),
        ("text", "none", "CAST(NULL AS VARCHAR)"),
        ("integer", "-42", "-42"),
        ("integer", "none", "CAST(NULL AS BIGINT)"),
        ("number", "1e3", "CAST(1000.0 AS DOUBLE)"),
        ("boolean", "true", "true"),
        ("date", "2026-11-21", "DATE '2026-11-21'"),
        ("date", "-P1D", "DATE '2026-11-20'"),
        ("instant", "2026-11-21T12:00:00.5+02:00", "TIMESTAMP '2026-11-21 10:00:00.500'"),
        ("instant", "now", "TIMESTAMP '2026-11-21 10:30:00.000'"),
        ("instant", "-PT90M", "TIMESTAMP '2026-11-21 09:00:00.000'"),
    ],
)
def test_a_value_is_written_as_its_type(type_: str, text: str, expected: str) -> None:
    assert literal(type_, text, NOW) == expected
    duckdb.sql(f"SELECT {expected}")


@pytest.mark.parametrize(
    ("type_", "text", "wrong"),
    [
        ("integer", "1; DROP TABLE x", "is not an integer"),
        ("integer", "1e3", "is not an integer"),
        ("number", "nan", "is not a number"),
        ("number", "1 OR 1=1", "is not a number"),
        ("boolean", "yes", "neither true nor false"),
        ("date", "2026-11-31", "must be a date"),
        ("instant", "2026-11-21 10:00", "not RFC 3339"),
        ("instant", "-1 day", "not RFC 3339"),
        ("text", "a\0b", "NUL"),
        ("json", "{}", "is not one of"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(type_: str, text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        literal(type_, text, NOW)
