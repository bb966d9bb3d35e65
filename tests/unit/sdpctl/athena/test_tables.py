"""What a query sees of a Glue table, over files on disk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdpctl.local.athena import engine
from sdpctl.local.athena.tables import Part, Table, UnsupportedTable

AT = datetime(2026, 11, 21, 10, 0, 0, 123_000, tzinfo=UTC)
COLUMNS = (("id", "string"), ("amount", "bigint"), ("seen", "timestamp"))


def table(
    parts: dict[tuple[str, ...], list[Path]],
    columns: tuple[tuple[str, str], ...] = COLUMNS,
    serde: str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    **parameters: str,
) -> Table:
    """A table of the given partitions by date and hour."""
    definition: dict[str, Any] = {
        "Name": "things",
        "PartitionKeys": [{"Name": n, "Type": "string"} for n in ("date", "hour")],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": hive} for name, hive in columns],
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
        },
    }
    made = tuple(Part(values, tuple(map(str, files))) for values, files in parts.items())
    return Table("shop", definition, made)


def parquet(path: Path, **columns: Any) -> Path:
    """A Parquet file of these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def rows(query: str, *tables: Table) -> list[list[Any]]:
    """The rows of a query in the database `shop`."""
    return engine.run(query, "shop", tables).rows


def test_partition_values_are_columns_wherever_the_files_are(tmp_path: Path) -> None:
    one = parquet(tmp_path / "anywhere" / "a.parquet", id=["a"])
    two = parquet(tmp_path / "elsewhere" / "b.parquet", id=["b"])
    things = table({("2026-11-21", "10"): [one], ("2026-11-21", "11"): [two]})
    assert rows("SELECT id, date, hour FROM things ORDER BY id", things) == [
        ["a", "2026-11-21", "10"],
        ["b", "2026-11-21", "11"],
    ]


def test_a_partition_may_be_in_a_folder_below_its_own_name(tmp_path: Path) -> None:
    one = parquet(tmp_path / "date=2026-11-21" / "hour=10" / "7" / "a.parquet", id=["a"])
    things = table({("2026-11-21", "10"): [one]})
    assert rows("SELECT id, hour FROM things WHERE hour = '10'", things) == [["a", "10"]]
    assert rows("SELECT id FROM things WHERE hour = '11'", things) == []


def test_the_registered_value_wins_over_the_name_of_the_folder(tmp_path: Path) -> None:
    one = parquet(tmp_path / "date=2026-11-21" / "hour=10" / "a.parquet", id=["a"])
    assert rows("SELECT hour FROM things", table({("2026-11-21", "12"): [one]})) == [["12"]]


def test_files_of_other_partitions_are_not_read(tmp_path: Path) -> None:
    """A predicate on a partition key leaves files out before they are read."""
    many = {}
    for hour in range(10):
        file = tmp_path / "date=2026-11-21" / f"hour={hour}" / "a.parquet"
        many["2026-11-21", str(hour)] = [parquet(file, id=[f"{i:050}" for i in range(20_000)])]
    things = table(many)
    everything = engine.run("SELECT max(id) FROM things", "shop", [things]).scanned_bytes
    one = engine.run("SELECT max(id) FROM things WHERE hour = '3'", "shop", [things])
    assert one.rows == [[f"{19_999:050}"]]
    assert one.scanned_bytes < everything / 5


def test_a_column_that_a_file_lacks_is_null_and_one_too_many_is_unseen(tmp_path: Path) -> None:
    old = parquet(tmp_path / "old.parquet", id=["a"], gone=[1])
    new = parquet(tmp_path / "new.parquet", id=["b"], amount=[5])
    things = table({("2026-11-21", "10"): [old, new]})
    assert rows("SELECT * FROM things ORDER BY id", things) == [
        ["a", None, None, "2026-11-21", "10"],
        ["b", 5, None, "2026-11-21", "10"],
    ]


def test_columns_have_the_types_of_the_definition(tmp_path: Path) -> None:
    """Whatever the file has them as: an int32, and an instant in UTC."""
    file = parquet(
        tmp_path / "a.parquet",
        amount=pa.array([5], pa.int32()),
        seen=pa.array([AT], pa.timestamp("ms", tz="UTC")),
    )
    answer = engine.run(
        "SELECT amount, seen, id FROM things", "shop", [table({("2026-11-21", "10"): [file]})]
    )
    assert [of.name for of in answer.types] == ["bigint", "timestamp", "varchar"]
    assert answer.rows == [[5, "2026-11-21 10:00:00.123", None]]


def test_a_table_without_files_is_empty_with_its_columns() -> None:
    answer = engine.run("SELECT * FROM things", "shop", [table({})])
    assert answer.columns == ["id", "amount", "seen", "date", "hour"]
    assert answer.rows == []


def test_json_is_read_by_the_types_of_the_definition(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        '{"id":"a","amount":5,"seen":"2026-11-21T12:00:00.123+02:00","source":{"shard":"s-1"}}\n'
        '{"id":"b"}\n'
    )
    columns = (*COLUMNS, ("source", "struct<shard:string,number:bigint>"))
    things = table({("d", "h"): [file]}, columns, "org.openx.data.jsonserde.JsonSerDe")
    assert rows("SELECT id, amount, seen, source.shard FROM things ORDER BY id", things) == [
        ["a", 5, "2026-11-21 10:00:00.123", "s-1"],
        ["b", None, None, None],
    ]


def test_a_line_that_is_no_json_is_a_row_of_nulls_where_the_table_allows_it(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"id":"a"}\nnot json\n')
    serde = "org.openx.data.jsonserde.JsonSerDe"
    lenient = table({("d", "h"): [file]}, serde=serde, **{"ignore.malformed.json": "true"})
    assert rows("SELECT id FROM things ORDER BY id", lenient) == [["a"], [None]]
    with pytest.raises(Exception, match="Malformed JSON"):
        rows("SELECT id FROM things", table({("d", "h"): [file]}, serde=serde))


def test_names_of_one_two_and_three_parts_and_lists_of_tables(tmp_path: Path) -> None:
    things = table({("d", "h"): [parquet(tmp_path / "a.parquet", id=["a"])]})
    for named in ("things", "shop.things", "AwsDataCatalog.shop.things", '"shop"."things"'):
        assert rows(f"SELECT id FROM {named}", things) == [["a"]]
    assert rows("SELECT x.id FROM things x, things y WHERE x.id = y.id", things) == [["a"]]
    assert rows("SELECT shop.things.id FROM shop.things", things) == [["a"]]


def test_a_whole_number_divides_to_a_whole_number_as_in_athena() -> None:
    assert rows("SELECT 7 / 2, 7 / 2.0") == [[3, 3.5]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [("CREATE TABLE x AS SELECT 1 a", "NOT_SUPPORTED"), ("SELECT 1; SELECT 2", "one sql")],
)
def test_what_is_no_single_query_is_refused(query: str, reason: str) -> None:
    with pytest.raises(engine.QueryError, match=reason):
        rows(query)


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('{0}/secret.csv')",
        "read_text('{0}/secret.csv')",
        "read_json('{0}/secret.csv')",
        "'{0}/secret.csv'",
        "read_parquet('{0}/*.parquet')",
        "glob('{0}/*')",
        "known",
    ],
)
def test_the_machines_other_files_are_not_read(source: str, tmp_path: Path) -> None:
    """Nor a variable of the process that a query names."""
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    parquet(tmp_path / "other.parquet", id=["x"])
    things = table({("d", "1"): [parquet(tmp_path / "date=d" / "hour=1" / "a.parquet", id=["a"])]})
    assert rows("SELECT id FROM things", things) == [["a"]]
    with pytest.raises(duckdb.Error, match=r"disabled by configuration|does not exist"):
        rows(f"SELECT * FROM {source.format(tmp_path)}", things)


def test_another_format_is_named(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a", id=["a"])
    with pytest.raises(UnsupportedTable, match=r"shop\.things is neither Parquet nor JSON"):
        rows("SELECT 1 FROM things", table({("d", "h"): [file]}, serde="LazySimpleSerDe"))
