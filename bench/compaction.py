"""How fast does compaction merge, and in how much memory?

`python -m bench.compaction`: 1,000 delivered files of 1 MB each of the event table, a tenth of
their rows repeated in another file, merged as the function does it, with a folder in place of S3.
Prints MB/s and the peak memory (RSS) of the merging process; exits 1 above 1 GB, or if the rows
are not exactly the distinct ones. `--batch-mib 100` sends the same files through buckets.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

import usecases
from glue.targets.duckdb import duckdb_type
from glue.targets.lake import LakeTable, lake_tables
from lambdas.compact.compaction import Compaction, Outcome
from lambdas.compact.lease import Leases
from lambdas.compact.merging import DuckMerger
from lambdas.compact.plan import MIB, Limits
from lambdas.lakestore.hours import Hour
from lambdas.lakestore.objects import StoredObject
from lambdas.lakestore.partitions import Placement

LIMIT_BYTES = 10**9
REPEATED = 0.1
START = datetime(2026, 11, 21, 10, tzinfo=UTC)


@dataclass
class Folder:
    """`Objects` and `Partitions` in a folder, and how many bytes were moved."""

    root: Path
    placement: Placement | None = None
    moved: int = field(default=0)

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level below, sorted, each ending in `/`."""
        for path in sorted(p for p in (self.root / prefix).glob("*") if p.is_dir()):
            yield f"{path.relative_to(self.root)}/"

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects with this key prefix, sorted by key."""
        found = (p for p in self.root.rglob("*") if p.is_file())
        for path in sorted(p for p in found if str(p.relative_to(self.root)).startswith(prefix)):
            yield StoredObject(str(path.relative_to(self.root)), path.stat().st_size)

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content, and an ETag that never changes."""
        path = self.root / key
        return (path.read_bytes(), "") if path.exists() else None

    def write(self, key: str, content: bytes) -> None:
        """Store this content."""
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(content)

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        """There is one process."""
        self.write(key, content)
        return ""

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""
        shutil.copyfile(self.root / key, path)

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object."""
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.root / key)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def find(self, hour: Hour) -> Placement | None:
        """The one partition."""
        return self.placement or Placement(hour.delivered)

    def move(self, hour: Hour, placement: Placement) -> None:
        """Point it elsewhere."""
        self.placement = placement


def deliver(table: LakeTable, folder: Path, files: int, size: int) -> tuple[int, int]:
    """Write files of about that size; rows, and distinct rows."""
    folder.mkdir(parents=True)
    rows = 1_000
    while True:  # how many rows fill a file depends on the definitions
        duckdb.execute(f"COPY ({_rows(table, 0, rows)}) TO '{folder}/sized' (FORMAT parquet)")
        if (got := (folder / "sized").stat().st_size) > 0.9 * size:
            break
        rows = max(rows + 1, int(rows * size / got))
    (folder / "sized").unlink()
    fresh = int(rows * (1 - REPEATED))
    for number in range(files):
        again = (number + files // 2) % files * fresh  # the first rows of a file far away
        query = (
            f"{_rows(table, number * fresh, fresh)} UNION ALL {_rows(table, again, rows - fresh)}"
        )
        duckdb.execute(f"COPY ({query}) TO '{folder}/{number:05d}.parquet' (FORMAT parquet)")
    return files * rows, files * fresh


def _rows(table: LakeTable, first: int, count: int) -> str:
    """Rows whose values follow from their number: strings of 32 digits for names, else numbers."""
    values = []
    for column in table.columns:
        kind = duckdb_type(column.type)
        text = f"md5((n // 3)::VARCHAR || '{column.name}')"
        if column.name in table.identity and column.name not in (table.key, "type"):
            text = f"md5(n::VARCHAR || '{column.name}')"
        if column.name == "type":
            text = "['one', 'two', 'three'][1 + n % 3]"
        number = f"(hash(n, '{column.name}') % 1000000)::BIGINT"
        made = {"VARCHAR": text, "TIMESTAMP_MS": f"epoch_ms(1795255200000 + {number})"}
        values.append(f'{made.get(kind, f"{number}::{kind}")} AS "{column.name}"')
    return f"SELECT {', '.join(values)} FROM range({first}, {first + count}) r(n)"


def merge(table: LakeTable, root: Path, limits: Limits) -> tuple[Outcome, float, float, int]:
    """The outcome, wall and CPU seconds, and the most memory this process ever had, bytes."""
    now = START + timedelta(hours=2)
    lake = Folder(root / "lake")
    compact = Compaction(
        objects=lake,
        partitions=lake,
        merger=DuckMerger(),
        leases=Leases(lake, lambda: now),
        clock=lambda: now,
        limits=limits,
        folder=root / "local",
    )
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = compact(Hour(table, START))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return outcome, wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--file-kib", type=int, default=1_024)
    parser.add_argument("--batch-mib", type=int, default=Limits().batch_bytes // MIB)
    return parser.parse_args()


def main() -> int:
    """Print the table; 1 when a limit is broken."""
    given = _arguments()
    table = lake_tables(usecases.load().use_cases[0])[0]
    limits = Limits(batch_bytes=given.batch_mib * MIB)
    with tempfile.TemporaryDirectory(prefix="compaction-") as name:
        root = Path(name)
        delivered = root / "lake" / Hour(table, START).delivered
        rows, distinct = deliver(table, delivered, given.files, given.file_kib * 1024)
        # A process that did nothing else: its memory is that of merging.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            outcome, wall, cpu, peak = pool.apply(merge, (table, root, limits))
    read, written = outcome.bytes_read, sum(file.size for file in outcome.merged.files)
    exact = (outcome.merged.rows_read, outcome.merged.rows_written) == (rows, distinct)
    sys.stdout.write(
        f"{outcome.files_read:,} files, {read / 1e6:,.0f} MB, {outcome.merged.rows_read:,} rows → "
        f"{len(outcome.merged.files)} files, {written / 1e6:,.0f} MB, "
        f"{outcome.merged.rows_written:,} rows ({'exact' if exact else 'WRONG'})\n"
        f"{wall:.1f} s, {cpu:.1f} s of CPU: {read / 1e6 / wall:.1f} MB/s, "
        f"{read / 1e6 / cpu:.1f} MB per CPU second\n"
        f"peak memory {peak / 1e6:,.0f} MB (limit {LIMIT_BYTES / 1e6:,.0f} MB)\n"
    )
    return int(peak > LIMIT_BYTES or not exact)


if __name__ == "__main__":
    raise SystemExit(main())
