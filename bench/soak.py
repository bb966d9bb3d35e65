"""A hundred million open keys in a gigabyte of heap: the join's operator, without a job around it.

    .venv/dev/bin/python -m bench.soak

Two subtasks in one JVM, each with RocksDB, take synthetic keys until all are open; then one key in
a hundred gets its second stage and another one its first stage again, both among keys that have
not been heard of for long; then the watermark closes all. Prints records/s, CPU of a record, open
keys, what the logs keep on the heap and how much of the heap is used after each step. Ends with 1
if an outcome is missing or one too many, or if a record is not found where it must be.

Needs 15 GB of disk for 100 million keys, and on two idle cores about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.stream.versions import CURRENT, JVM, ROOT
from sdpctl.local.flink_config import flink_home, java_options
from sdpctl.settings import Settings

MAIN = "sdp.correlate.SoakBench"


def classpath(work: Path) -> str:
    """The classes of the product and of its tests, with what they need."""
    listed = work / "classpath"
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={listed}", "-DincludeScope=test"]
    pom = str(ROOT / JVM / "pom.xml")
    subprocess.run(["mvn", "-q", "-B", "-ntp", "-f", pom, *goal], check=True)
    ours = [str(CURRENT.target / name) for name in ("classes", "test-classes")]
    return ":".join([*ours, listed.read_text().strip()])


def openings() -> list[str]:
    """The options that Flink needs on Java 17."""
    return java_options(flink_home(Settings.load().python("flink"))).split()


def main() -> int:
    """Runs it; its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=100_000_000, help="open at once (%(default)s)")
    parser.add_argument("--heap", default="1g", help="of the JVM (%(default)s)")
    parser.add_argument(
        "--share", type=float, default=0.4, help="of the heap for a subtask's keys (%(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="for RocksDB's files (a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-soak-", dir=options.folder) as folder:
        java = ["java", f"-Xmx{options.heap}", *openings(), "-cp", classpath(Path(folder))]
        run = [*java, MAIN, str(options.keys), str(options.share), folder]
        return subprocess.run(run).returncode


if __name__ == "__main__":
    sys.exit(main())
