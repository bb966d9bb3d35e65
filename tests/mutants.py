"""The tests are tested: bugs that are planted one by one, each of which a test has to notice.

`make mutants` copies the sources, plants a bug, and runs the tests that are named beside it: the
cheapest that kill, repeat, reorder or forge what that part has to survive. It prints a table, and
ends with 1 if a bug stayed unnoticed. `make mutants ONLY=total` plants those with this word in
their name.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.trees import ROOT, copy_sources

LINKS = (".venv", "node_modules", "build")
JVM = "analytics_app/jvm/src/main/java/sdp"
MAVEN = (
    "mvn",
    "-q",
    "-B",
    "-ntp",
    "-Dstyle.color=never",
    "-f",
    "analytics_app/jvm/pom.xml",
    "test",
)
FAULTS = "tests/emulator/test_faults.py"
KILLED = "tests/emulator/test_killed.py"
SHARDS = "tests/emulator/test_shards.py"
QUERIES = "tests/unit/lambdas/reports/test_random_queries.py"
SECONDS = 600


class Mutant(NamedTuple):
    """A bug: in this file, instead of this text, the other; noticed by a file or a Java class."""

    name: str
    file: str
    instead_of: str
    plant: str
    noticed_by: str


MUTANTS = (
    Mutant(
        "the door takes a call that failed in part for a success",
        "lambdas/adapters/kinesis.py",
        'if not answer["FailedRecordCount"]:',
        "if True:",
        FAULTS,
    ),
    Mutant(
        "the door's retry forgets what failed",
        "lambdas/adapters/kinesis.py",
        "reasons[index] = _lasting(reasons[index], failed.get(index))",
        "reasons[index] = None",
        FAULTS,
    ),
    Mutant(
        "the door takes the results of a call for those of other records",
        "lambdas/adapters/kinesis.py",
        'results = zip(pending, answer["Records"], strict=True)',
        'results = zip(pending, answer["Records"][::-1], strict=True)',
        FAULTS,
    ),
    Mutant(
        "a checkpoint forgets what the sink is writing",
        f"{JVM}/kinesis/sink/KinesisSinkWriter.java",
        "if (beingWritten.isEmpty()) {",
        "if (true) {",
        "SinksOfOneTaskTest",
    ),
    Mutant(
        "the emulator shows an item that it could not write",
        "sdpctl/local/launcher/durable.py",
        "        items.keep()",
        "        pass",
        KILLED,
    ),
    Mutant(
        "persist writes an older row over a newer one",
        "lambdas/adapters/totals.py",
        "is None or upsert.newness > upsert.rank_of(item)",
        "is None or upsert.newness",
        FAULTS,
    ),
    Mutant(
        "persist calls a row written that could not be",
        "lambdas/persist/writing.py",
        "left[key] = pending[key]",
        "pass",
        FAULTS,
    ),
    Mutant(
        "persist buries a row that could not be written now",
        "lambdas/adapters/dynamodb.py",
        'raise StoreUnavailable(f"{table}: {error}") from error\n    except BotoCoreError',
        'raise ItemRefused(f"{table}: {error}") from error\n    except BotoCoreError',
        FAULTS,
    ),
    Mutant(
        "records are not in the journal",
        "sdpctl/local/launcher/records.py",
        "if PERSISTENT and rows:",
        "if False:",
        FAULTS,
    ),
    Mutant(
        "items are replayed on a state that has them",
        "sdpctl/local/launcher/items.py",
        "for entry in journal.entries(_numbered.saved):",
        "for entry in journal.entries(0):",
        KILLED,
    ),
    Mutant(
        "a function begins again after a kill",
        "sdpctl/local/launcher/records.py",
        'journal.append({"positions": changed})',
        "pass",
        KILLED,
    ),
    Mutant(
        "a function begins with what comes after it has seen a split shard",
        "sdpctl/local/launcher/shards.py",
        "                positions[shard_id] = 0",
        '                positions[shard_id] = len(shard["records"])',
        SHARDS,
    ),
    Mutant(
        "a function reads a split shard and its children at the same time",
        "sdpctl/local/launcher/shards.py",
        "if all(_is_read(stream, parent, positions) for parent in _parents(shard)):",
        "if True:",
        SHARDS,
    ),
    Mutant(
        "records still go to a shard that was split",
        "sdpctl/local/launcher/shards.py",
        'return [name for name, shard in stream["shards"].items() if CLOSED not in shard]',
        'return list(stream["shards"])',
        SHARDS,
    ),
    Mutant(
        "CORRELATE counts again what was closed before a restart",
        f"{JVM}/correlate/CorrelateOperator.java",
        "join.restore(found.watermark(), found.floor());",
        "join.restore(Join.NO_WATERMARK, Join.NO_WATERMARK);",
        "CorrelateOperatorTest",
    ),
    Mutant(
        "CORRELATE loses counts that it keeps at a checkpoint",
        f"{JVM}/correlate/CorrelateOperator.java",
        "public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {\n    drain();",
        "public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {",
        "CorrelateOperatorTest",
    ),
    Mutant(
        "CORRELATE counts a second record of a stage",
        f"{JVM}/correlate/Join.java",
        "return key.has(stage) ? reasons.duplicate(stage) : null;",
        "return null;",
        "JoinTest",
    ),
    Mutant(
        "a late record is no dead letter",
        f"{JVM}/correlate/Join.java",
        "refuse(Outcome.LATE, bytes, Packed.BLOCK, reasons.late(packed.time(), watermark, floor));",
        "",
        "JoinTest",
    ),
    Mutant(
        "the join of series keeps whichever of two samples came first",
        f"{JVM}/series/SeriesJoin.java",
        "if (order == 0 && compareIds(packed.bytes(), 0, record, at) >= 0) {",
        "if (order == 0) {",
        "SeriesJoinTest",
    ),
    Mutant(
        "the join of series forgets at a restart what was late",
        f"{JVM}/series/SeriesJoin.java",
        "    watermark = Math.max(watermark, greatest);\n    reached",
        "    reached",
        "SeriesOperatorTest",
    ),
    Mutant(
        "a pattern leaves out the event at the start of its window",
        f"{JVM}/patterns/CountInWindow.java",
        "e.time() >= event.time() - window)",
        "e.time() > event.time() - window)",
        "EvaluationTest",
    ),
    Mutant(
        "a pattern calls a last step missing that came at the timeout",
        f"{JVM}/patterns/MissingStep.java",
        "end() < to",
        "end() <= to",
        "EvaluationTest",
    ),
    Mutant(
        "decisions made together have each other's scores",
        f"{JVM}/decisions/Decisions.java",
        "from = to;",
        "from = 0;",
        "DecisionsTest",
    ),
    Mutant(
        "a score depends on the rows that it is computed with",
        f"{JVM}/scores/OnnxModel.java",
        "(scores.length + TOGETHER - 1) / TOGETHER * TOGETHER",
        "scores.length",
        "OnnxModelTest",
    ),
    Mutant(
        "the ledger forgets the records of a call whose function has ended",
        "lambdas/ingest/ledger.py",
        "receipts.unknown += receipts.pending  #",
        "pass  #",
        "tests/unit/lambdas/ingest/test_ledger.py",
    ),
    Mutant(
        "the ledger does not know our own copy of a record after a restart",
        f"{JVM}/ledger/Ledger.java",
        "receipts.restore(bytes);",
        "bytes.clone();",
        "CorrelateOperatorTest",
    ),
    Mutant(
        "the ledger balances though records are missing",
        "lambdas/balance.py",
        "missing=max(0, door.ok - done - unread - waiting),",
        "missing=0,",
        "tests/unit/lambdas/test_balance.py",
    ),
    Mutant(
        "the alarm does not learn of minutes that do not balance",
        "lambdas/audit/handler.py",
        "value=len(unbalanced)",
        "value=0",
        "tests/unit/lambdas/audit/test_handler.py",
    ),
    Mutant(
        "a dead letter with an unknown result is sent as another record",
        "lambdas/replaying.py",
        "kept = before.record if before and before.state is not State.REJECTED else record",
        "kept = record",
        "tests/unit/lambdas/test_replaying.py",
    ),
    Mutant(
        "a dead letter whose record was accepted is sent again",
        "lambdas/replaying.py",
        "return replay.state is not State.ACCEPTED",
        "return True",
        "tests/unit/lambdas/test_replaying.py",
    ),
    Mutant(
        "the hour that passes twice is one row",
        "lambdas/reports/calendar.py",
        "_REPEATED = (Unit.MINUTES, Unit.HOURS)",
        "_REPEATED = (Unit.MINUTES,)",
        QUERIES,
    ),
    Mutant(
        "a page of a descending report repeats a row",
        "lambdas/reports/app.py",
        "cut = rows[-2].start if query.desc else rows[-1].start",
        "cut = rows[-2].end if query.desc else rows[-1].start",
        QUERIES,
    ),
    Mutant(
        "a bucket that starts with `to` is in the range",
        "lambdas/reports/counting.py",
        "bounds = (self.report.period, low, high - 1)",
        "bounds = (self.report.period, low, high)",
        QUERIES,
    ),
)


def main(only: str = "") -> int:
    """Plant each; how many stayed unnoticed is the exit status."""
    mutants, unnoticed = chosen(MUTANTS, only), 0
    for mutant in mutants:
        noticed = _noticed(mutant)
        unnoticed += not noticed
        say(f"{'noticed' if noticed else 'UNNOTICED':10} {mutant.name} ({mutant.noticed_by})")
    say(f"{len(mutants) - unnoticed} of {len(mutants)} bugs were noticed")
    return min(unnoticed, 1)


def chosen(mutants: Sequence[Mutant], only: str) -> list[Mutant]:
    """Those with this text in their name; SystemExit if there is none."""
    found = [mutant for mutant in mutants if only in mutant.name]
    if not found:
        raise SystemExit(f"no bug has {only!r} in its name: {[each.name for each in mutants]}")
    return found


def _noticed(mutant: Mutant) -> bool:
    """Whether the test fails with the bug in the sources."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_sources(tree)
        for link in LINKS:
            (tree / link).symlink_to((ROOT / link).resolve())
        plant(tree / mutant.file, mutant)
        is_java, tests = mutant.file.endswith(".java"), mutant.noticed_by
        pytest = [ROOT / ".venv/dev/bin/python", "-m", "pytest", "-x", "-q", tests]
        done = subprocess.run(
            [*MAVEN, f"-Dtest={tests}"] if is_java else pytest,
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        signs = ("There are test failures",) if is_java else ("AssertionError", "DID NOT RAISE")
        if done.returncode and not any(sign in done.stdout for sign in signs):
            raise SystemExit(f"{mutant.name}: the tests did not run\n{done.stdout}{done.stderr}")
        return done.returncode != 0


def plant(path: Path, mutant: Mutant) -> None:
    """Write the bug into the file; SystemExit if what it replaces is not there once."""
    text = path.read_text()
    if text.count(mutant.instead_of) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.file} has not this once: {mutant.instead_of}")
    path.write_text(text.replace(mutant.instead_of, mutant.plant))


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
