"""The run of faults is tested: ten bugs, planted one by one, each of which it has to notice.

`make fault-mutants` copies the sources, plants a bug, builds what is deployed, and sends the events
of all use cases to that platform while faults happen to it (`tests.local.faults`). It prints a
table, and ends with 1 if a bug stayed unnoticed. Some show only if a process is killed in the right
fraction of a second: what the faults of one seed do not notice, those of the next may. Before the
bugs the faults of the first seed happen to the sources as they are, which must pass. Each bug takes
minutes, most of which a run waits: two are planted at a time. ONLY=WORD plants those with this word
in their name. `make mutants` has the same bugs and others noticed by the cheapest tests.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.local.faults.__main__ import TOO_SLOW
from tests.mutants import JVM, MAVEN, Mutant, chosen, plant, say
from tests.trees import ROOT, copy_sources

FAULTS, GAP, SEEDS = 20, 5.0, (39, 40, 41)  # each kind of fault happens
USE_CASES = "adtech,shopping,machines"
LINKS = (".venv", "node_modules")
PYTHON = str(ROOT / ".venv/dev/bin/python")
BUILD = ("analytics_app.package", "analytics_app.state", "lambdas.bundle")
SECONDS = 1800
SHOWN = 300  # characters of what a run says
AT_A_TIME = 2  # each takes about a tenth longer than alone

BUGS = (
    Mutant(
        "CORRELATE counts a second record of a stage",
        f"{JVM}/correlate/Join.java",
        "return key.has(stage) ? reasons.duplicate(stage) : null;",
        "return null;",
        "adtech",
    ),
    Mutant(
        "CORRELATE loses counts that it keeps at a checkpoint",
        f"{JVM}/correlate/CorrelateOperator.java",
        "public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {\n    drain();",
        "public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {",
        "adtech",
    ),
    Mutant(
        "the join of series leaves out pairs that are as far apart as may be",
        f"{JVM}/series/Frontier.java",
        "if (time - otherTime <= distance) {",
        "if (time - otherTime < distance) {",
        "adtech,machines",
    ),
    Mutant(
        "the join of series refuses a repeated sample in silence",
        f"{JVM}/series/SeriesJoin.java",
        "refuse(Refusal.DUPLICATE, packed.bytes(), 0, duplicate());",
        "",
        "adtech,machines",
    ),
    Mutant(
        "a pattern forgets in its state what is left on a card",
        f"{JVM}/patterns/CountInWindow.java",
        "balance = in.readLong();",
        "balance = 0 * in.readLong();",
        "adtech,shopping",
    ),
    Mutant(
        "a decision is made by the newest version of a rule",
        f"{JVM}/decisions/Definitions.java",
        "versions.floorEntry(time)",
        "versions.lastEntry()",
        "adtech,shopping",
    ),
    Mutant(
        "the ledger does not note a call before it is made",
        "lambdas/ingest/ledger.py",
        "receipts.pending = number\n                self._write(receipts, PATIENCE)",
        "receipts.pending = number",
        "adtech",
    ),
    Mutant(
        "the door's retry forgets what failed",
        "lambdas/adapters/kinesis.py",
        "reasons[index] = _lasting(reasons[index], failed.get(index))",
        "reasons[index] = None",
        "adtech",
    ),
    Mutant(
        "persist writes an older row over a newer one",
        "lambdas/adapters/totals.py",
        "is None or upsert.newness > upsert.rank_of(item)",
        "is None or upsert.newness",
        "adtech",
    ),
    Mutant(
        "a late record is no dead letter",
        f"{JVM}/correlate/Join.java",
        "refuse(Outcome.LATE, bytes, Packed.BLOCK, reasons.late(packed.time(), watermark, floor));",
        "",
        "adtech",
    ),
)


def main(only: str = "") -> int:
    """Plant each; 1 if one stayed unnoticed."""
    bugs = chosen(BUGS, only)
    began = time.monotonic()
    if wrong := _faults(ROOT, USE_CASES, SEEDS[0]):
        raise SystemExit(f"it fails without any bug:\n{wrong}")
    say(f"passed     {time.monotonic() - began:4.0f} s  no bug")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        noticed = sum(pool.map(_is_noticed, bugs))  # what has not begun is left out if one fails
    say(f"{noticed} of {len(bugs)} bugs were noticed by {FAULTS} faults of a seed")
    return int(noticed < len(bugs))


def _is_noticed(bug: Mutant) -> bool:
    """Plant it, and print whether a run notices it, after how long, and what it says."""
    began, said = time.monotonic(), _said(bug)
    line = " ".join(said.split())[:SHOWN]
    took = f"{time.monotonic() - began:4.0f} s"
    say(f"{'noticed' if said else 'UNNOTICED':10} {took}  {bug.name}: {line}")
    return bool(said)


def _said(bug: Mutant) -> str:
    """What a run says is wrong with the bug in the platform; empty if none does."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_sources(tree)
        for link in LINKS:
            (tree / link).symlink_to((ROOT / link).resolve())
        for built in ("build", "analytics_app/jvm/target"):
            shutil.copytree(ROOT / built, tree / built, symlinks=True)
        plant(tree / bug.file, bug)
        if bug.file.endswith(".java"):
            _run(tree, *MAVEN[:-1], "package", "-DskipTests")
        for module in BUILD:
            _run(tree, PYTHON, "-m", module)
        return next(filter(None, (_faults(tree, bug.noticed_by, seed) for seed in SEEDS)), "")


def _faults(tree: Path, use_cases: str, seed: int) -> str:
    """What the run in these sources says is wrong; that it was slow alone says nothing."""
    given = ("--faults", str(FAULTS), "--gap", str(GAP), "--seed", str(seed))
    command = (PYTHON, "-m", "tests.local.faults", *given, "--use-cases", use_cases)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tree, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it brings its platform down
            process.wait()
            raise
        except KeyboardInterrupt:  # it has got that, too
            process.wait()
            raise
    if process.returncode in (0, TOO_SLOW):
        return ""
    _, _, wrong = f"\n{out}".partition("\nFAIL with ")
    if not wrong:
        raise SystemExit(f"the faults did not happen\n{out}{err}")
    return wrong


def _run(tree: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: it was not built\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
