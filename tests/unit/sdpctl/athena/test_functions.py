"""Each function gives what Trino's documentation says; the zone of a session is UTC."""

from typing import Any

import duckdb
import pytest

from sdpctl.local.athena import engine
from sdpctl.local.athena.functions import MACROS

EXPECTED = {
    "from_unixtime(1763719200)": "2025-11-21 10:00:00.000 UTC",
    "from_unixtime(1763719200.25)": "2025-11-21 10:00:00.250 UTC",
    "to_unixtime(TIMESTAMP '2025-11-21 10:00:00.5')": 1763719200.5,
    "to_unixtime(from_unixtime(1763719200))": 1763719200.0,
    "from_iso8601_timestamp('2026-11-21T12:00:00.123+02:00')": "2026-11-21 10:00:00.123 UTC",
    "from_iso8601_date('2026-11-21')": "2026-11-21",
    "date_format(TIMESTAMP '2026-01-05 15:04:09', '%Y-%m-%d %H:%i:%s')": "2026-01-05 15:04:09",
    "date_format(TIMESTAMP '2026-01-05 15:04:09', '%W %e %M %y, %l:%i %p')": (
        "Monday 5 January 26, 3:04 PM"
    ),
    "date_format(TIMESTAMP '2026-01-05 15:04:09', '%T %% %r %c')": "15:04:09 % 03:04:09 PM 1",
    "date_format(from_unixtime(0), '%b %a %j')": "Jan Thu 001",
    "date_add('hour', -2, TIMESTAMP '2026-01-01 01:00:00')": "2025-12-31 23:00:00.000",
    "date_add('month', 1, DATE '2026-01-31')": "2026-02-28",
    "date_add('millisecond', 5, TIMESTAMP '2026-01-01 00:00:00')": "2026-01-01 00:00:00.005",
    "date_add('day', 1, from_unixtime(0))": "1970-01-02 00:00:00.000 UTC",
    "day_of_week(DATE '2026-11-22')": 7,
    "day_of_month(DATE '2026-11-22')": 22,
    "day_of_year(DATE '2026-02-01')": 32,
    "element_at(ARRAY[1, 2, 3], 2)": 2,
    "element_at(ARRAY[1, 2, 3], -1)": 3,
    "element_at(ARRAY[1, 2, 3], 9)": None,
    "element_at(MAP(ARRAY['a'], ARRAY[1]), 'a')": 1,
    "element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')": None,
    "array_join(ARRAY[1, 2], '-')": "1-2",
    "sequence(1, 3)": "[1, 2, 3]",
    "regexp_like('1a 2b 14m', '\\d+b')": True,
    "regexp_like('1a', '^a')": False,
    """json_extract_scalar('{"a":{"b":"x"}}', '$.a.b')""": "x",
    """json_extract_scalar('{"a":[1,2]}', '$.a[1]')""": "2",
    """json_extract_scalar('{"a":{"b":1}}', '$.a')""": None,
    """json_extract_scalar('no json', '$.a')""": None,
    "from_utf8(from_base64('w6k='))": "é",
    "to_utf8('é')": "c3 a9",
    "7 / 2": 3,
    "CAST(7 AS DOUBLE) / 2": 3.5,
    "cardinality(filter(ARRAY[1, 2, 3], x -> x > 1))": 2,
}


def value(expression: str, source: str = "") -> Any:
    """The one value of the expression."""
    [[found]] = engine.run(f"SELECT {expression} AS found {source}", "shop", []).rows
    return found


@pytest.mark.parametrize("expression", EXPECTED)
def test_the_function_means_what_it_means_in_athena(expression: str) -> None:
    assert value(expression) == EXPECTED[expression]


def test_aggregates_are_close_or_exact() -> None:
    source = "FROM (SELECT x FROM UNNEST(sequence(1, 10000)) AS t(x)) AS s"
    assert value("approx_distinct(x % 1000)", source) == pytest.approx(1000, rel=0.1)
    assert value("approx_percentile(x, 0.9)", source) == pytest.approx(9000, rel=0.02)
    few = "FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v)"
    assert value("element_at(map_agg(k, v), 'b')", few) == 2


def test_a_unit_that_trino_does_not_know_is_an_error() -> None:
    with pytest.raises(duckdb.Error, match="'fortnight' is not a valid field"):
        value("date_add('fortnight', 1, TIMESTAMP '2026-01-01 00:00:00')")


def test_every_function_is_shown_by_a_test() -> None:
    tested = " ".join(EXPECTED) + "approx_distinct( approx_percentile( map_agg("
    assert all(f"{macro.partition('(')[0]}(" in tested for macro in MACROS)
