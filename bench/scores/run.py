"""How many rows a second and core does the stream's evaluator score?

    .venv/dev/bin/python -m bench.scores.run [--rows N] [--seconds S]

Trains the ad-tech model on made-up transactions (twice: as the generator has them, and with labels
that hang on several columns together, so that the model has many trees), exports its graph, and
scores rows in one thread of Java with the class that the stream uses. What is counted is the
processor time of that thread, so another load on the machine changes little. Ends with 1 if a model
scores fewer than 50,000 rows a second when 64 are scored at once, and fails if a score depends on
the rows that it is computed with.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import usecases
from bench.train import write
from ml.graph import graph
from ml.rows import Range, Rows, read
from ml.train import Settings, train
from sdpctl.settings import Settings as Local

ROOT = Path(__file__).resolve().parents[2]
JAR = ROOT / "analytics_app" / "jvm" / "target" / "sdp.jar"
RATE = Path(__file__).with_name("Rate.java")
SCORED = 20_000
MUST, MUST_AT = 50_000, 64
ALL = Range.parse("", "")


def tangled(rows: Rows) -> Rows:
    """The rows with labels in which trees find something."""
    odd = (rows.codes["domain"] % 3 == 0) ^ (rows.codes["creative_id"] % 2 == 0)
    dear = rows.numbers["bid_price"] > np.median(rows.numbers["bid_price"])
    chance = np.where(odd ^ dear, 0.85, 0.2)
    return replace(rows, label=np.random.default_rng(1).random(len(rows)) < chance)


def lines(rows: Rows, columns: tuple[str, ...]) -> str:
    """The newest rows, a line each."""
    values = next(rows[-SCORED:].chunks())
    texts = [[str(v) if v is not None else "" for v in values[column]] for column in columns]
    return "".join("\t".join(row) + "\n" for row in zip(*texts, strict=True))


def rates(rows: Rows, name: str, folder: Path, seconds: float) -> dict[int, float]:
    """Rows a second of a model of these rows, by how many are scored at once."""
    definition = usecases.load().use_case("adtech").model.definition  # type: ignore[union-attr]
    model, _ = train(rows, definition, Settings(ALL, version=name))
    content = graph(model).SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    (folder / "rows.tsv").write_text(lines(rows, definition.columns), "utf-8")
    print(f"{name}: {model.metadata['rounds']} trees, {len(content):,} bytes", flush=True)
    flink = next(Local.load().python("flink").parents[1].glob("lib/*/site-packages/pyflink"))
    command = ["java", "-Xmx1g", "-cp", f"{JAR}:{flink / 'lib'}/*", str(RATE)]
    command += [str(folder / "model.onnx"), str(folder / "rows.tsv"), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        found[entry["at_once"]] = entry["rows_per_core_second"]
        print(f"  {entry['at_once']:>4} at once {entry['rows_per_core_second']:>10,.0f} rows/s")
    return found


def main() -> int:
    """Runs both; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows trained on")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options = parser.parse_args()
    definition = usecases.load().use_case("adtech").model.definition  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder / "lake", options.rows)
        rows = read(folder / "lake", definition, ALL).rows
        found = [
            rates(each, name, folder, options.seconds)
            for name, each in (("generated", rows), ("tangled", tangled(rows)))
        ]
    slow = [each[MUST_AT] for each in found if each[MUST_AT] < MUST]
    print(f"at least {MUST:,} rows/s with {MUST_AT} at once: {'no' if slow else 'yes'}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
