"""Wall clocks that jump, each process's by itself: that of the machine stays as it is.

`clock.c` is loaded before the C library of each process of a platform, whatever it is written in.
It needs a C compiler, and a platform that was started with its environment.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
NUMBER = struct.Struct("=i")
LARGEST_PID = Path("/proc/sys/kernel/pid_max")
_ASKS = "import sys, time; sys.stdin.read(); print(time.time() - float(sys.argv[1]))"


@dataclass(frozen=True)
class Clocks:
    """By how much the clock of each process is wrong, in a file that processes read."""

    library: Path
    table: Path

    @classmethod
    def made(cls, folder: Path) -> Clocks:
        """Compile the library into the folder; SystemExit without a compiler."""
        compiler = shutil.which("cc")
        if compiler is None:
            raise SystemExit(
                "cc: no C compiler found, and clocks cannot jump: install gcc or clang"
            )
        clocks = cls(folder / "clock.so", folder / "clocks")
        options = ("-O2", "-Wall", "-Werror", "-shared", "-fPIC")
        subprocess.run([compiler, *options, "-o", clocks.library, SOURCE, "-ldl"], check=True)
        with clocks.table.open("wb") as file:  # most of it is never written, and takes no space
            file.truncate((int(LARGEST_PID.read_text()) + 1) * NUMBER.size)
        clocks.check()
        return clocks

    @property
    def environment(self) -> dict[str, str]:
        """What a process is to be started with."""
        return {"LD_PRELOAD": str(self.library), "SDP_CLOCKS": str(self.table)}

    def set(self, pids: Iterable[int], seconds: int) -> None:
        """From now on the clocks of these processes are wrong by so much."""
        with self.table.open("r+b") as file:
            for pid in pids:
                file.seek(pid * NUMBER.size)
                file.write(NUMBER.pack(seconds))

    def check(self) -> None:
        """Raise AssertionError unless a process's clock jumps while it runs."""
        process = subprocess.Popen(
            [sys.executable, "-c", _ASKS, repr(time.time())],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.set([process.pid], -5000)
        printed, _ = process.communicate(timeout=60)
        self.set([process.pid], 0)
        assert -5000 <= float(printed) < -4900, f"a clock did not jump: {printed}"
