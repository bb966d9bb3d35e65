"""What a look for drift reads, and how long it takes, with 30 days of transactions in the lake.

    .venv/dev/bin/python -m bench.drift [--rows N]

Writes the rows as Parquet files of an hour each, asks them through the local Athena engine, and
prints the bytes scanned. Exit 1 above 100 MB or 10 seconds, or when drift is not seen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import usecases
from features.definition import Definition
from features.drift import Reference
from features.encoding import Encoder, Historian
from features.scoring import Calibration, Fallback, Logistic
from lambdas.model_names import Names
from lambdas.training.deciding import Triggers, Watch
from sdpctl.local.athena import engine
from sdpctl.local.athena.tables import Part, Table

LIMIT_MB, LIMIT_SECONDS = 100, 10
HOURS = 30 * 24
NOW = datetime(2026, 11, 26, tzinfo=UTC)
NAMES = Names("sdp", "adtech", "lake")
MODEL = usecases.load().use_case("adtech").model
assert MODEL is not None
TEXTS = ("tx_id", "campaign_item_id", "creative_id", "creative_category", "domain")


def columns(rng: np.random.Generator, count: int, price: float) -> dict[str, Any]:
    """Inputs and label of some rows."""
    texts = {name: rng.integers(0, 40, count).astype(str) for name in TEXTS}
    texts["tx_id"] = np.char.mod("%x", rng.integers(0, 2**62, count))
    prices = rng.integers(1, int(price), count)
    return {**texts, "bid_price": prices, "won": rng.random(count) < 0.4}


def write(folder: Path, rows: int) -> list[Part]:
    """A file of each hour; prices are four times those of the reference."""
    rng, parts = np.random.default_rng(1), []
    for hour in range(HOURS):
        start = NOW - timedelta(hours=HOURS - hour)
        count = rows // HOURS
        made = columns(rng, count, 8_000)
        at = round(start.timestamp() * 1000) + np.sort(rng.integers(0, 3_600_000, count))
        table = pa.table({**made, "bid_at": pa.array(at, pa.timestamp("ms"))})
        path = folder / f"{hour:03d}.parquet"
        pq.write_table(table, path, compression="snappy")
        parts.append(Part((f"{start:%Y-%m-%d}", f"{start:%H}"), (str(path),)))
    return parts


def table(parts: list[Part]) -> Table:
    """As Glue has it."""
    kinds = {**dict.fromkeys(TEXTS, "string"), "bid_price": "bigint", "won": "boolean"}
    described = [{"Name": n, "Type": t} for n, t in {**kinds, "bid_at": "timestamp"}.items()]
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    definition = {
        "Name": "rows",
        "PartitionKeys": [{"Name": name, "Type": "string"} for name in ("date", "hour")],
        "StorageDescriptor": {"Columns": described, "SerdeInfo": serde},
    }
    return Table("bench", definition, tuple(parts))


class Lake:
    """The local Athena engine; counts what is read."""

    def __init__(self, table: Table) -> None:
        self._table, self.scanned = table, 0

    def query(self, sql: str) -> list[list[str]]:
        """The rows of a query, as text."""
        answer = engine.run(sql, "bench", [self._table])
        self.scanned += answer.scanned_bytes
        print(f"  {answer.scanned_bytes / 1e6:>8.1f} MB  {sql[:88]}")
        return answer.rows


class Kept:
    """The ledger and the champion's files."""

    def __init__(self, definition: Definition) -> None:
        made = columns(np.random.default_rng(2), 20_000, 2_000)
        sample = {n: made[n].tolist() for n in (*definition.columns, definition.label)}
        sample[definition.label] = [str(v).lower() for v in sample[definition.label]]
        historian = Historian(definition)
        historian.add(sample)
        weights = tuple(1.0 if "price" in f.column else {} for f in definition.features)
        encoder = Encoder(definition, historian.history())
        fallback = Fallback("v1", encoder, Logistic(-7.0, weights), Calibration())
        pointer = {"version": "v1", "config": "c", "package_arn": "a", "promoted_at": "-"}
        self.files = {
            NAMES.champion: {**pointer, "fallback": NAMES.key("v1", "fallback.json")},
            NAMES.key("v1", "fallback.json"): fallback.to_json(),
            NAMES.key("v1", "reference.json"): Reference.of(fallback, sample).to_json(),
        }

    def read(self, key: str) -> tuple[bytes, str]:
        """A file."""
        return json.dumps(self.files[key]).encode(), ""

    def last(self) -> dict[str, Any] | None:
        """No run has ended: all 30 days are new."""
        return None


def main() -> int:
    """Writes, looks, prints; 1 if a limit was passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=7_200_000)
    rows = parser.parse_args().rows
    assert MODEL is not None
    with tempfile.TemporaryDirectory() as name:
        lake, kept = Lake(table(write(Path(name), rows))), Kept(MODEL.definition)
        watch = Watch(lake, kept, kept, NAMES, MODEL.definition, "rows")  # type: ignore[arg-type]
        started = time.monotonic()
        facts = watch.facts(Triggers(timedelta(days=1), 10**9, 0.2, 1_000, 30), NOW)
        seconds = time.monotonic() - started
        stored = sum(path.stat().st_size for path in Path(name).iterdir()) / 1e6
    scanned = lake.scanned / 1e6
    print(
        f"rows                {facts.new_rows:>12,}   ({stored:,.0f} MB stored)\n"
        f"seconds             {seconds:>12.1f}   (limit {LIMIT_SECONDS})\n"
        f"scanned, MB         {scanned:>12.1f}   (limit {LIMIT_MB})\n"
        f"index               { {n: round(v, 3) for n, v in facts.psi.items()} }"
    )
    return int(scanned > LIMIT_MB or seconds > LIMIT_SECONDS or facts.psi.get("bid_price", 0) < 0.2)


if __name__ == "__main__":
    raise SystemExit(main())
