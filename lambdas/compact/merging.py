"""Merges Parquet files: sorted, without duplicates, in bounded memory.

DuckDB sorts on disk. Each row is compared with the previous one in that order to detect
duplicates, so only two rows are in memory. Works on local files only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from glue.sql import literal
from glue.targets.duckdb import duckdb_type, quoted
from glue.targets.lake import LakeTable
from lambdas.compact.ports import MergeError, Written

ENGINE = f"duckdb {duckdb.__version__}, 2"  # the number: this module's version
MEMORY = "400MB"
# A row group is in memory while it is written.
ROW_GROUP_BYTES = 32 * 2**20
ROW_GROUP_ROWS = 2_048, 122_880


@dataclass(frozen=True)
class DuckMerger:
    """The `Merger` of compaction. `memory` is DuckDB's limit; the process takes some more."""

    memory: str = MEMORY
    threads: int = 2
    engine: str = ENGINE

    def merge(
        self, table: LakeTable, files: Sequence[Path], folder: Path, file_bytes: int
    ) -> Written:
        """Write the files' rows into the empty folder: sorted by key, each once.

        A new file starts after about `file_bytes`. Table columns that a file lacks are null; file
        columns that the table lacks are kept. Raises MergeError.
        """
        with self._connection(folder) as connection:
            names = _prepare(connection, table, files)
            size = f"FILE_SIZE_BYTES {file_bytes}"
            rows = _copy(connection, _distinct(table, names), folder, files, size)
            read = _rows(connection, files)
        return Written(_parquet(folder), read, rows)

    def split(
        self, table: LakeTable, files: Sequence[Path], folder: Path, buckets: int
    ) -> dict[int, tuple[Path, ...]]:
        """Write the files' rows into the empty folder, by bucket; duplicates share one.

        Raises MergeError, also if not every row was written.
        """
        with self._connection(folder) as connection:
            connection.execute("SET threads = 1")  # each thread has buffers for each bucket
            names = _prepare(connection, table, files)
            query = f"SELECT *, hash({_listed(_identity(table, names))}) % {buckets} AS bucket_ "
            partitioning = "PARTITION_BY (bucket_), WRITE_PARTITION_COLUMNS false"
            rows = _copy(connection, query + "FROM source", folder, files, partitioning)
            if rows != (read := _rows(connection, files)):
                raise MergeError(f"{table.parquet}: {read} rows were split into {rows}")
        files_of = {n: _parquet(folder / f"bucket_={n}") for n in range(buckets)}
        return {n: pieces for n, pieces in files_of.items() if pieces}

    @contextmanager
    def _connection(self, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        spill = folder.with_name(f"{folder.name}.spill")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self.memory,
            "threads": self.threads,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
        }
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            try:
                yield connection
            except duckdb.Error as error:
                raise MergeError(str(error)) from error


def _prepare(
    connection: duckdb.DuckDBPyConnection, table: LakeTable, files: Sequence[Path]
) -> list[str]:
    """Create the view `source`: the table's columns, typed, then others. Returns the names."""
    typed = {c.name: duckdb_type(c.type) for c in table.columns}
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(n)}" for n, kind in typed.items())
    paths = ", ".join(literal(str(path)) for path in files)
    read = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
    connection.execute(
        f"CREATE VIEW read AS SELECT * FROM {read} UNION ALL BY NAME SELECT {nulls} WHERE false"
    )
    names = [str(row[0]) for row in connection.execute("DESCRIBE read").fetchall()]
    others = [name for name in names if name not in typed]
    columns = [f"CAST({quoted(n)} AS {kind}) AS {quoted(n)}" for n, kind in typed.items()]
    columns += [quoted(name) for name in others]
    connection.execute(f"CREATE VIEW source AS SELECT {', '.join(columns)} FROM read")
    return [*typed, *others]


def _identity(table: LakeTable, names: Sequence[str]) -> list[str]:
    return list(table.identity or names)


def _distinct(table: LakeTable, names: Sequence[str]) -> str:
    """Rows in order, each compared with the one before it.

    Equal identities are duplicates. If the table has no identity, or the row lacks the last of its
    columns, only rows that are equal in every column are duplicates.
    """
    order = list(dict.fromkeys([table.key, *table.identity]))
    row = f"row({_listed(names)})"
    same_row = f"{row} IS NOT DISTINCT FROM lag({row}) OVER ()"
    repeated = same_row
    if table.identity:
        same = [f"{n} IS NOT DISTINCT FROM lag({n}) OVER ()" for n in map(quoted, table.identity)]
        repeated = f"{' AND '.join(same)} AND ({quoted(table.identity[-1])} IS NOT NULL"
        repeated += f" OR {same_row})"
    return f"""
        SELECT {_listed(names)} FROM (
            SELECT *, row_number() OVER () > 1 AND {repeated} AS repeated_ FROM (
                SELECT * FROM source ORDER BY {_listed(order)}, hash({_listed(names)})))
        WHERE NOT repeated_"""


def _copy(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    folder: Path,
    files: Sequence[Path],
    option: str,
) -> int:
    """Run the query into files of the folder. Returns the number of rows."""
    options = f"FORMAT parquet, COMPRESSION zstd, {option}"
    options += f", ROW_GROUP_SIZE {_row_group(connection, files)}"
    done = connection.execute(f"COPY ({query}) TO {literal(str(folder))} ({options})").fetchone()
    return int(done[0]) if done else 0


def _row_group(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """Rows of a row group, fewer where they are wide."""
    sizes = connection.execute(
        "SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)", [list(map(str, files))]
    ).fetchone()
    width = int(sizes[0] or 0) // max(1, _rows(connection, files)) if sizes else 0
    low, high = ROW_GROUP_ROWS
    return max(low, min(high, ROW_GROUP_BYTES // max(1, width)))


def _rows(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    result = connection.execute(
        "SELECT sum(num_rows) FROM parquet_file_metadata(?)", [list(map(str, files))]
    ).fetchone()
    return int(result[0] or 0) if result else 0


def _parquet(folder: Path) -> tuple[Path, ...]:
    """The files in the order of writing: their numbers have no leading zeros."""
    files = folder.glob("data_*.parquet")
    return tuple(sorted(files, key=lambda path: [int(n) for n in path.stem.split("_")[1:]]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))
