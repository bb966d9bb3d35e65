"""Watches a job from outside: its progress by Flink's REST API, its process by /proc."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stream.profiler import Profiler
from sdpctl.settings import ROOT, Settings

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """At `at` seconds the sources had sent `sent` records on, for `cpu` seconds of processor.

    `memory` is what the process `jvm` had in bytes.
    """

    at: float
    sent: int
    cpu: float
    memory: int
    jvm: int


@dataclass
class Watch:
    """What was seen of one job until its process ended."""

    samples: list[Sample] = field(default_factory=list)
    peak_bytes: int = 0
    state_bytes: int = 0
    checkpoints: int = 0

    def steady(self, share: float = 0.5) -> tuple[Sample, Sample]:
        """The first sample with a share of the records through, and the last while they flow.

        Raises RuntimeError if that is one sample.
        """
        total = self.samples[-1].sent
        end = next(s for s in self.samples if s.sent == total)
        start = next(s for s in self.samples if s.sent >= total * share)
        if start is end:
            raise RuntimeError(f"{total:,} records went through too fast to be measured; take more")
        return start, end

    def look(self, pid: int, base: str) -> Sample | None:
        """Takes one sample; None of a job that is not there yet, or gone."""
        try:
            jvm = descendants(pid)[-1]
            cpu = cpu_seconds(jvm)
            self.peak_bytes = max(self.peak_bytes, _memory(jvm, "VmHWM"))
            job = fetch(f"{base}/jobs")["jobs"][0]["id"]
            vertices = fetch(f"{base}/jobs/{job}")["vertices"]
            sources = [v for v in vertices if v["name"].startswith("Source:")]
            sent = sum(v["metrics"]["write-records"] for v in sources)
            memory = _memory(jvm, "VmRSS")
            self.samples.append(Sample(time.monotonic(), sent, cpu, memory, jvm))
            self._checkpoint(fetch(f"{base}/jobs/{job}/checkpoints"))
            return self.samples[-1]
        except (OSError, IndexError, KeyError, ValueError):
            return None

    def _checkpoint(self, found: dict[str, Any]) -> None:
        latest = found["latest"]["completed"]
        if latest:
            self.checkpoints = found["counts"]["completed"]
            self.state_bytes = max(self.state_bytes, latest["state_size"])


@dataclass(frozen=True)
class Job:
    """A job in a process of its own; `name` is for people, and `work` gets its log.

    The profiler is attached when the sources have sent `profiled_from` records on.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    work: Path
    profiler: Profiler | None = None
    profiled_from: float = 0.0

    @classmethod
    def of_script(
        cls,
        name: str,
        script: Path,
        options: Mapping[str, Any],
        work: Path,
        heap: str,
        profiler: Profiler | None,
        profiled_from: float,
    ) -> Job:
        """A script for Flink's Python, with its options in a file and the heap of its JVM."""
        (work / "options.json").write_text(json.dumps(options))
        command = [str(Settings.load().python("flink")), "-P", str(script), f"{work}/options.json"]
        return cls(name, command, environment(ROOT, heap, work), work, profiler, profiled_from)

    def follow(self, look: Callable[[int], Sample | None], pause: float = 0.5) -> float:
        """Run it until it ends, and look at it, by its pid, after each pause of some seconds.

        Returns the seconds that it took. Raises RuntimeError with its log if it fails.
        """
        if self.profiler:
            self.profiler.prepare()
        started = time.monotonic()
        with (
            (self.work / "log").open("wb") as log,
            subprocess.Popen(self.command, stdout=log, stderr=log, env=self.environment) as process,
        ):
            self._until_it_ends(process, look, pause)
        if process.returncode:
            raise RuntimeError(f"{self.name}: {(self.work / 'log').read_text()[-4000:]}")
        return time.monotonic() - started

    def _until_it_ends(
        self,
        process: subprocess.Popen[bytes],
        look: Callable[[int], Sample | None],
        pause: float,
    ) -> None:
        profiler = self.profiler
        while True:
            try:
                process.wait(pause)
                return
            except subprocess.TimeoutExpired:
                sample = look(process.pid)
            if profiler and sample and sample.sent >= self.profiled_from:
                profiler.attach(sample.jvm)
                profiler = None


def environment(root: Path, heap: str, work: Path) -> dict[str, str]:
    """Ours, with the packages of the sources in `root`, and the heap of a JVM.

    All of the heap from the start, as Flink gives it to its task managers: else the collector takes
    and returns a tenth of the process's memory as it sees fit. Flink leaves files of its own where
    temporary ones are, 24 MiB a run: in `work`, which goes.
    """
    scratch = work / "tmp"
    scratch.mkdir(exist_ok=True)
    options = f"-Xms{heap} -Xmx{heap} -Djava.io.tmpdir={scratch}"
    given = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {options}"
    return {**os.environ, "PYTHONPATH": str(root), "JAVA_TOOL_OPTIONS": given}


def fetch(url: str) -> Any:
    """A document of Flink's REST API."""
    with urllib.request.urlopen(url, timeout=2) as answer:
        return json.load(answer)


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children] + [g for c in children for g in descendants(int(c))]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))
