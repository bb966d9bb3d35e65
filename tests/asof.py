"""Joins of two series as SQL over tables that are complete: ASOF joins of DuckDB.

An ASOF join finds for each row of one side the nearest row of the other at or before it (≥) or at
or after it (≤). Both for each of the two series, united, distinct and not too far apart, are the
pairs. Each version of a join has the samples of the time in which it is in force, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import duckdb


class Version(NamedTuple):
    """A version of a join, in force from one instant until before another, in epoch ms."""

    name: str
    version: int
    start: int
    end: int
    r: str
    s: str
    distance: int


BEGINNING, NEVER = -(2**62), 2**62
# Of a deployment with the default parameters and without definitions.
DEFAULT = (Version("power", 0, BEGINNING, NEVER, "speed", "torque", 1_000),)
Pair = tuple[str, int, float, int, float, str, int]
"""Thing, time and value of r, time and value of s, the join and its version."""
Sample = tuple[str, str, int, float]  # thing, series, time in epoch ms, value

_TAKEN = """
{0} AS (
    SELECT sample.*, name, version, distance FROM sample JOIN versions ON quantity = {0}_series
    WHERE moment >= starts AND moment < ends
)
"""
_SAMPLES = f"""
WITH sample AS (
    SELECT thing, quantity, moment, min(result) AS result FROM measurements GROUP BY ALL
), {_TAKEN.format("r")}, {_TAKEN.format("s")}
"""
_JOIN = """
SELECT r.thing, r.moment AS r_moment, r.result AS r_result,
    s.moment AS s_moment, s.result AS s_result, r.name, r.version, r.distance
FROM {0} ASOF JOIN {1} ON {0}.thing = {1}.thing
    AND {0}.name = {1}.name AND {0}.version = {1}.version AND {0}.moment {2} {1}.moment
"""
_JOINS = " UNION ".join(
    _JOIN.format(*sides, nearest) for sides in ("rs", "sr") for nearest in (">=", "<=")
)
SQL = f"""
{_SAMPLES} SELECT * EXCLUDE distance FROM ({_JOINS}) WHERE abs(r_moment - s_moment) <= distance
"""


def pair_of(row: Mapping[str, Any]) -> Pair:
    """A row of the record `pairs`, of which the times are epoch milliseconds."""
    samples = row["thing"], row["r_time"], row["r_result"], row["s_time"], row["s_result"]
    return (*samples, row["join_name"], row["join_version"])


def pairs(samples: Iterable[Sample], joins: Iterable[Version] = DEFAULT) -> set[Pair]:
    """The pairs of samples, of which one may be there several times."""
    connection = _connection(joins)
    connection.execute(
        "CREATE TABLE measurements (thing TEXT, quantity TEXT, moment BIGINT, result DOUBLE)"
    )
    columns = [list(column) for column in zip(*samples, strict=True)]
    connection.execute(
        "INSERT INTO measurements SELECT unnest(?), unnest(?), unnest(?), unnest(?)", columns
    )
    return set(connection.execute(SQL).fetchall())


def pairs_of_files(paths: Iterable[str], joins: Iterable[Version] = DEFAULT) -> set[Pair]:
    """The pairs of the measurements in Parquet files of the lake."""
    connection = _connection(joins)
    connection.execute(
        "CREATE VIEW measurements AS "
        "SELECT thing, quantity, epoch_ms(occurred_at) AS moment, result "
        f"FROM read_parquet({list(paths)}, union_by_name = true) WHERE type = 'measurement'"
    )
    return set(connection.execute(SQL).fetchall())


def final_pairs(paths: Iterable[str]) -> set[Pair]:
    """The final pairs that Parquet files of the lake contain."""
    found = duckdb.connect().execute(
        "SELECT thing, epoch_ms(r_time), r_result, epoch_ms(s_time), s_result, "
        "join_name, join_version "
        f"FROM read_parquet({list(paths)}, union_by_name = true) WHERE status = 'final'"
    )
    return set(found.fetchall())


def _connection(joins: Iterable[Version]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE versions (name TEXT, version BIGINT, starts BIGINT, ends BIGINT, "
        "r_series TEXT, s_series TEXT, distance BIGINT)"
    )
    connection.executemany("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)", list(joins))
    return connection
