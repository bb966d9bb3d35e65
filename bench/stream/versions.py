"""The checkouts that are measured: this one, and an earlier commit that is built beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JVM = Path("analytics_app", "jvm")


@dataclass(frozen=True)
class Version:
    """A checkout whose jar is built."""

    name: str
    root: Path

    @property
    def target(self) -> Path:
        """Where Maven has put the jar and the classes of the tests."""
        return self.root / JVM / "target"


# What both read the recorded events with: it stands for the network, and is no part of a version.
READER = JVM / "src/test/java/sdp/kinesis/stream/RecordedStream.java"
NEW = "  @Override\n  public String name()"  # of a method that streams did not always have
CURRENT = Version("platform", ROOT)


@contextmanager
def built(commit: str, folder: Path) -> Iterator[Version]:
    """A commit, checked out into a new folder and built there. Raises RuntimeError if it fails."""
    _run("git", "worktree", "add", "--detach", str(folder), commit)
    try:
        reader = (ROOT / READER).read_text()
        assert NEW in reader
        (folder / READER).write_text(reader.replace(NEW, "  public String name()"))
        _run("mvn", "-q", "-B", "-ntp", "-f", str(folder / JVM / "pom.xml"), *_PACKAGE)
        yield Version(f"baseline {commit}", folder)
    finally:
        _run("git", "worktree", "remove", "--force", str(folder))


_PACKAGE = ("package", "-DskipTests")


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
