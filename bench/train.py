"""How fast the training job is, and how much memory it takes, with ten million transactions.

    .venv/dev/bin/python -m bench.train [--rows N]

Writes the rows as Parquet files of an hour each, runs the packaged job on them in a process of its
own, and prints its figures beside the best possible. Exit 1 above 1 GB, or when the model is more
than 1 % from the best.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import usecases
from ml import package
from ml.train import ROWS
from usecases.adtech import generator

LIMIT_MB = 1_000
WITHIN = 1.01
START_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z
PER_FILE = 100_000
LEVELS = 60  # the number of distinct prices

chance = lru_cache(None)(generator.win_probability)


def write(folder: Path, rows: int) -> None:
    """Rows whose labels are drawn from the generator's own function, newest last."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    levels = (generator.REFERENCE_PRICE * np.exp(np.linspace(-1.2, 1.2, LEVELS))).astype(int)
    for first in range(0, rows, PER_FILE):
        count = min(PER_FILE, rows - first)
        campaign = (rng.random(count) ** 1.7 * len(generator.CAMPAIGNS)).astype(int)
        creative = (campaign * 3 + rng.integers(0, 3, count)) % len(generator.CREATIVES)
        columns = {
            "campaign_item_id": np.array(generator.CAMPAIGNS)[campaign],
            "creative_id": np.array(generator.CREATIVES)[creative],
            "creative_category": np.array(generator.CATEGORIES)[
                (campaign + creative) % len(generator.CATEGORIES)
            ],
            "domain": np.array(generator.DOMAINS)[rng.integers(0, len(generator.DOMAINS), count)],
            "bid_price": levels[rng.integers(0, LEVELS, count)],
        }
        won = rng.random(count) < probabilities(columns)
        at = START_MS + 40 * np.arange(first, first + count)
        table = pa.table(
            {
                "tx_id": [f"{START_MS:x}-1-{n:x}" for n in range(first, first + count)],
                **columns,
                "won": won,
                "bid_at": pa.array(at, pa.timestamp("ms")),
            }
        )
        pq.write_table(table, folder / f"{first:09d}.parquet", compression="snappy")


def probabilities(columns: dict[str, np.ndarray]) -> np.ndarray:
    """The generator's own, row by row."""
    names = ("domain", "creative_id", "creative_category")
    values = zip(columns["bid_price"].tolist(), *(columns[n].tolist() for n in names), strict=True)
    return np.array(
        [
            chance(price=price, **dict(zip(names, features, strict=True)))
            for price, *features in values
        ]
    )


def best(folder: Path, share: float) -> float:
    """Log loss of the generator's own probabilities on the newest share of the rows."""
    names = ("bid_price", "domain", "creative_id", "creative_category")
    files = sorted(folder.iterdir())
    newest = pa.concat_tables(
        pq.read_table(f, columns=[*names, "won"]) for f in files[int(len(files) * (1 - share)) :]
    )
    given = probabilities({n: newest[n].to_numpy(zero_copy_only=False) for n in names})
    won = newest["won"].to_numpy(zero_copy_only=False)
    return float(-np.log(np.where(won, given, 1 - given)).mean())


def main() -> int:
    """Writes, trains, prints; 1 if a limit was passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write(work / "lake", rows)
        code = package.tree(usecases.load().use_case("adtech"), work / "code")
        env = {
            **os.environ,
            "SM_CHANNEL_TRAIN": str(work / "lake"),
            "SM_MODEL_DIR": str(work / "model"),
            "SM_OUTPUT_DATA_DIR": str(work / "data"),
        }
        started = time.monotonic()
        subprocess.run([sys.executable, "train.py"], cwd=code, env=env, check=True)
        seconds = time.monotonic() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak, cpu = used.ru_maxrss * 1024 / 1e6, used.ru_utime + used.ru_stime
        metrics = json.loads((work / "model" / "metrics.json").read_text())
        possible = best(work / "lake", 0.2 * min(1, ROWS / rows))
    loss = metrics["model"]["log_loss"]
    print(
        f"rows                {rows:>12,}\n"
        f"seconds             {seconds:>12.1f}\n"
        f"CPU seconds         {cpu:>12.1f}\n"
        f"rows/s              {rows / seconds:>12,.0f}\n"
        f"peak memory, MB     {peak:>12,.0f}   (limit {LIMIT_MB:,})\n"
        f"log loss            {loss:>12.4f}   (best possible {possible:.4f})\n"
        f"calibration error   {metrics['model']['calibration_error']:>12.4f}"
    )
    return int(peak > LIMIT_MB or loss > WITHIN * possible)


if __name__ == "__main__":
    raise SystemExit(main())
