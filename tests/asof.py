"""The join of two series as SQL over tables that are complete: ASOF joins of DuckDB.

An ASOF join finds for each row of one side the nearest row of the other at or before it (≥) or at
or after it (≤). Both for each of the two series, united, distinct and not too far apart, are the
pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

DISTANCE_MS = 1_000
R, S = "speed", "torque"
Pair = tuple[str, int, float, int, float]  # thing, time and value of r, time and value of s
Sample = tuple[str, str, int, float]  # thing, series, time in epoch ms, value

_SAMPLES = f"""
WITH sample AS (
    SELECT thing, quantity, moment, min(result) AS result FROM measurements
    WHERE quantity IN ('{R}', '{S}') GROUP BY ALL
),
r AS (FROM sample WHERE quantity = '{R}'),
s AS (FROM sample WHERE quantity = '{S}')
"""
_JOIN = """
SELECT r.thing, r.moment AS r_moment, r.result AS r_result,
    s.moment AS s_moment, s.result AS s_result
FROM {0} ASOF JOIN {1} ON {0}.thing = {1}.thing AND {0}.moment {2} {1}.moment
"""
_JOINS = " UNION ".join(
    _JOIN.format(*sides, nearest) for sides in ("rs", "sr") for nearest in (">=", "<=")
)
SQL = f"{_SAMPLES} SELECT * FROM ({_JOINS}) WHERE abs(r_moment - s_moment) <= {DISTANCE_MS}"


def pair_of(row: Mapping[str, Any]) -> Pair:
    """A row of the record `pairs`, of which the times are epoch milliseconds."""
    return row["thing"], row["r_time"], row["r_result"], row["s_time"], row["s_result"]


def pairs(samples: Iterable[Sample]) -> set[Pair]:
    """The pairs of samples, of which one may be there several times."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE measurements (thing TEXT, quantity TEXT, moment BIGINT, result DOUBLE)"
    )
    columns = [list(column) for column in zip(*samples, strict=True)]
    connection.execute(
        "INSERT INTO measurements SELECT unnest(?), unnest(?), unnest(?), unnest(?)", columns
    )
    return set(connection.execute(SQL).fetchall())


def pairs_of_files(paths: Iterable[str]) -> set[Pair]:
    """The pairs of the measurements in Parquet files of the lake."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE VIEW measurements AS "
        "SELECT thing, quantity, epoch_ms(occurred_at) AS moment, result "
        f"FROM read_parquet({list(paths)}, union_by_name = true) WHERE type = 'measurement'"
    )
    return set(connection.execute(SQL).fetchall())


def final_pairs(paths: Iterable[str]) -> set[Pair]:
    """The final pairs that Parquet files of the lake contain."""
    connection = duckdb.connect()
    found = connection.execute(
        "SELECT thing, epoch_ms(r_time), r_result, epoch_ms(s_time), s_result "
        f"FROM read_parquet({list(paths)}, union_by_name = true) WHERE status = 'final'"
    )
    return set(found.fetchall())
