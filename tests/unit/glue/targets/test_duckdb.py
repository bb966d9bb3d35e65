"""Each kind of column has a DuckDB type, and DuckDB knows it."""

import duckdb
import pytest

from glue.targets.duckdb import duckdb_type, quoted
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp

INNER = Struct((Column('odd "name"', Integer(), True, "x"), Column("at", Timestamp(), True, "y")))


@pytest.mark.parametrize("kind", [String(), Integer(), Double(), Boolean(), Timestamp(), INNER])
def test_a_null_of_every_type_can_be_made(kind: ColumnType) -> None:
    name = quoted("a column")
    found = duckdb.execute(f"SELECT CAST(NULL AS {duckdb_type(kind)}) AS {name}")
    assert found.description[0][0] == "a column"
    assert str(found.description[0][1]).lower() == duckdb_type(kind).lower()
