"""PyAthena, SQLAlchemy and awswrangler over results of every kind, as people call them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import awswrangler as wr
import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.fs
import pytest
import sqlalchemy as sa
from pyathena import connect
from pyathena.arrow.cursor import ArrowCursor
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import DictCursor
from pyathena.error import DatabaseError, OperationalError
from pyathena.pandas.cursor import PandasCursor

TABLE = "parquet_impressions"
KINDS = """SELECT true AS yes, 2 AS n, 9007199254740993 AS big, 0.25E0 AS x, 'a,"b"' AS t, '' AS e,
  CAST(NULL AS VARCHAR) AS m, DATE '2026-11-21' AS d, TIMESTAMP '2026-11-21 10:00:00.123' AS s,
  CAST(1.50 AS DECIMAL(10, 2)) AS p"""
VALUES = {
    "yes": True,
    "n": 2,
    "big": 2**53 + 1,
    "x": 0.25,
    "t": 'a,"b"',
    "e": "",
    "m": None,
    "d": date(2026, 11, 21),
    "s": datetime(2026, 11, 21, 10, 0, 0, 123000),  # noqa: DTZ001 Athena's timestamps have no zone
    "p": Decimal("1.50"),
}
WRANGLER: dict[str, Any] = {
    "database": "sdp_adtech",
    "workgroup": "sdp-adtech",
    "ctas_approach": False,
}


@pytest.fixture
def lake() -> Any:
    return connect(work_group="sdp-adtech", schema_name="sdp_adtech")


def test_every_kind_of_value_is_a_python_value(lake: Any) -> None:
    assert lake.cursor(DictCursor).execute(KINDS).fetchone() == VALUES
    assert dict(zip(VALUES, lake.cursor().execute(KINDS).fetchone(), strict=True)) == VALUES


def test_a_pandas_frame_has_the_values_and_their_types(lake: Any) -> None:
    frame = lake.cursor(PandasCursor).execute(KINDS).as_pandas()
    assert frame["big"][0] == 2**53 + 1
    assert frame["s"][0] == pd.Timestamp("2026-11-21 10:00:00.123")
    assert frame["t"][0] == 'a,"b"'
    assert pd.isna(frame["m"][0])


def test_an_arrow_table_has_the_values_and_their_types(
    lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = boto3.client("s3").meta.endpoint_url
    opened = partial(pyarrow.fs.S3FileSystem, endpoint_override=endpoint)
    monkeypatch.setattr(pyarrow.fs, "S3FileSystem", opened)
    table = lake.cursor(ArrowCursor).execute(KINDS).as_arrow()
    assert table["big"].to_pylist() == [2**53 + 1]
    assert table["t"].to_pylist() == ['a,"b"']
    assert pa.types.is_timestamp(table.schema.field("s").type)


@pytest.mark.parametrize("cursor", [DictCursor, PandasCursor])
@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("SHOW TABLES", TABLE),
        (f"SHOW PARTITIONS {TABLE}", "date=2026-11-21/hour=09"),
        (f"SHOW CREATE TABLE {TABLE}", f"CREATE EXTERNAL TABLE `sdp_adtech.{TABLE}`("),
    ],
)
def test_statements_about_the_catalog_have_rows_in_each_cursor(
    lake: Any, cursor: type[Any], sql: str, first: str
) -> None:
    row = lake.cursor(cursor).execute(sql).fetchone()
    assert next(iter(row.values())) if isinstance(row, dict) else row[0] == first


def test_a_query_beside_others_and_one_that_fails(lake: Any) -> None:
    with lake.cursor(AsyncCursor) as cursor:
        futures = [cursor.execute(f"SELECT {n} AS n")[1] for n in range(5)]
        assert [future.result().fetchone() for future in futures] == [(n,) for n in range(5)]
    with pytest.raises(OperationalError, match="TABLE_NOT_FOUND: line 1:15"):
        lake.cursor().execute("SELECT * FROM nowhere")
    with pytest.raises(DatabaseError, match="mismatched input"):
        lake.cursor().execute("SELECT FROM WHERE")


def test_sqlalchemy_reflects_tables_columns_and_partitions() -> None:
    engine = sa.create_engine("awsathena+rest://:@:443/sdp_adtech?work_group=sdp-adtech")
    found = sa.inspect(engine)
    assert "sdp_adtech" in found.get_schema_names()
    assert found.get_table_names(schema="sdp_adtech") == [TABLE]
    assert not found.has_table("nowhere")
    columns = {c["name"]: c for c in found.get_columns(TABLE)}
    assert columns["tx_id"]["comment"] == "The auction; joins bid, impression and click."
    assert isinstance(columns["win_price"]["type"], sa.BigInteger)
    assert "hour" in columns
    table = sa.Table(TABLE, sa.MetaData(), autoload_with=engine)
    query = sa.select(table.c.campaign_item_id, sa.func.count(table.c.tx_id.distinct()))
    query = query.where(table.c.hour.in_(["09", "10"])).group_by(table.c.campaign_item_id)
    with engine.connect() as connection:
        assert sorted(map(tuple, connection.execute(query))) == [(1, 2), (2, 1)]
        text = sa.text("SELECT count(*) FROM information_schema.tables WHERE table_name = :name")
        assert connection.execute(text, {"name": TABLE}).scalar_one() == 1
    frame = pd.read_sql(sa.text("SELECT 1 AS n"), engine)
    assert frame.to_dict("records") == [{"n": 1}]


def test_awswrangler_reads_queries_the_catalog_and_the_tables_files() -> None:
    frame = wr.athena.read_sql_query(KINDS, **WRANGLER)
    assert frame["big"][0] == 2**53 + 1
    assert frame["p"][0] == Decimal("1.50")
    assert frame["s"][0] == pd.Timestamp("2026-11-21 10:00:00.123")
    chunks = wr.athena.read_sql_query(
        "SELECT n FROM UNNEST(sequence(1, 10)) AS t(n)", **WRANGLER, chunksize=4
    )
    assert sum(len(chunk) for chunk in chunks) == 10
    described = wr.athena.describe_table(TABLE, database="sdp_adtech", workgroup="sdp-adtech")
    assert described.iloc[0].to_list()[:2] == ["tx_id", "string"]
    listed = wr.catalog.tables(database="sdp_adtech")
    assert listed["Table"].to_list() == [TABLE]
    types = wr.catalog.table(database="sdp_adtech", table=TABLE).set_index("Column Name")["Type"]
    assert types["occurred_at"] == "timestamp"


def test_awswrangler_names_athenas_reason() -> None:
    with pytest.raises(wr.exceptions.QueryFailed, match="COLUMN_NOT_FOUND: line 1:8"):
        wr.athena.read_sql_query(f"SELECT nothing FROM {TABLE}", **WRANGLER)
