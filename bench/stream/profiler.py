"""async-profiler (from Maven's registry) in a running JVM, and a table of what it saw."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sdpctl.settings import ROOT

ARTIFACT = "tools.profiler:async-profiler:4.0"
LIBRARY = "linux-x64/libasyncProfiler.so"
INTERVAL = "5ms"
_SHOWN = 20

# What a sample is, by its frames: the first that matches one of them, from the top of the stack.
KINDS = {
    "compilation": re.compile(r"CompileBroker|CompilerThread|C2Compiler|C1_?Compiler"),
    "garbage collection": re.compile(r"G1|GCTaskThread|WorkerThread::run"),
    "RocksDB": re.compile(r"rocksdb|snappy", re.IGNORECASE),
    "sdp.keyed, sdp.correlate": re.compile(r"^sdp/(keyed|correlate)/"),
    "sdp.json": re.compile(r"^sdp/json/"),
    "sdp, other": re.compile(r"^sdp/"),
    "generated code": re.compile(r"^(StreamExec|Group|Local|Global)\w+\$\d+|Calc\$\d+"),
    "Flink's table runtime": re.compile(r"^org/apache/flink/table/"),
    "Flink": re.compile(r"^org/apache/flink/"),
}


def add_option(parser: argparse.ArgumentParser, what: str) -> None:
    """The option `--profile`; `what` of the runs is profiled."""
    parser.add_argument(
        "--profile",
        metavar="FOLDER",
        type=Path,
        nargs="?",
        const=ROOT / "results" / "profile",
        help=f"profile {what} (costs about 2 %% of CPU) into FOLDER (default: results/profile), one"
        " line a stack, as flame graphs take it",
    )


@dataclass(frozen=True)
class Profiler:
    """Writes the samples of a JVM, one line a stack, from `attach` until the JVM ends."""

    output: Path

    @classmethod
    def into(cls, folder: Path | None, name: str) -> Profiler | None:
        """That of one run, whose samples go to a file of this name; None without a folder."""
        return cls(folder / f"{name}.collapsed") if folder else None

    def attach(self, jvm: int) -> None:
        """Begin. A JVM that refuses, because it ends, is reported and no error."""
        options = (
            f"start,event=ctimer,interval={INTERVAL},threads,cstack=vm,collapsed,file={self.output}"
        )
        command = ["jcmd", str(jvm), "JVMTI.agent_load", str(self._library), f'"{options}"']
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if done.returncode or "return code: 0" not in done.stdout:
            said = (done.stdout + done.stderr).strip()
            print(f"  no profile: {' '.join(command)}: {said}", file=sys.stderr, flush=True)

    @property
    def _library(self) -> Path:
        return self.output.parent / LIBRARY

    def prepare(self) -> None:
        """Take the native library from Maven's registry, unless it is there."""
        folder = self.output.parent
        self.output.unlink(missing_ok=True)
        if not self._library.exists():
            folder.mkdir(parents=True, exist_ok=True)
            copy = f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"
            subprocess.run(["mvn", "-q", "-B", "-ntp", "dependency:copy", *copy], check=True)
            with zipfile.ZipFile(next(folder.glob("async-profiler-*.jar"))) as jar:
                jar.extract(LIBRARY, folder)

    def show(self) -> None:
        """Print the shares of threads and of kinds of code, if there is a profile."""
        if not self.output.exists():
            return
        threads: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        # The name of a thread may contain a line break.
        for stack, count in re.findall(r"(.+?;.+?) (\d+)\n", self.output.read_text(), re.DOTALL):
            frames = stack.split(";")
            threads[_thread(frames[0])] += int(count)
            kinds[_kind(frames)] += int(count)
        print(f"  profile of what is measured: {self.output}")
        for title, found in (("threads", threads), ("code", kinds)):
            print(f"    by {title}")
            for name, samples in found.most_common(_SHOWN):
                if samples * 200 >= found.total():
                    print(f"      {samples / found.total():>6.1%}  {name}")


def _thread(frame: str) -> str:
    """A thread's name without what differs between those of one kind."""
    name = re.sub(r"\s*\[?tid=\d+\]?|^\[|\]$|#\d+|\(\d+/\d+\)|\d+", "", frame)
    return name.strip()[:70]


def _kind(frames: list[str]) -> str:
    for frame in reversed(frames):
        for kind, pattern in KINDS.items():
            if pattern.search(frame):
                return kind
    return "other"
