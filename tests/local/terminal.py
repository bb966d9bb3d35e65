"""A command in a terminal, as a person has it: wide, and interrupted with Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sdpctl.settings import ROOT, Settings

ROWS, COLUMNS = 60, 240
END_SECONDS = 60
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # else Ctrl-C interrupts nobody


@dataclass
class Terminal:
    """The end of a pseudo-terminal that a person looks at."""

    process: subprocess.Popen[bytes]
    descriptor: int
    shown: str = ""

    @classmethod
    @contextmanager
    def running(cls, settings: Settings, *arguments: str) -> Iterator[Terminal]:
        """`./sdp …` in a terminal; it is ended with the context."""
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, (ROWS, COLUMNS))
        command = [ROOT / "sdp", *arguments]
        environment = {**settings.aws_environment(), "TERM": "xterm"}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(its)
        try:
            yield cls(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    def read_until(self, holds: Callable[[str], object], seconds: float) -> None:
        """Reads until something holds of all that was shown, without what moves the cursor."""
        deadline = time.monotonic() + seconds
        while not holds(_CONTROL.sub("", self.shown)):
            left = deadline - time.monotonic()
            assert left > 0 and self._read(left), f"not shown:\n{self.shown[-4000:]}"

    def interrupt(self) -> int:
        """Ctrl-C; the exit status."""
        os.write(self.descriptor, b"\x03")
        deadline = time.monotonic() + END_SECONDS
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(END_SECONDS)

    def _read(self, seconds: float) -> bool:
        """Whether something came; nothing comes when the command has ended."""
        if not select.select([self.descriptor], [], [], max(seconds, 0))[0]:
            return False
        data = b""
        with suppress(OSError):  # as Linux reports that nobody has the other end open
            data = os.read(self.descriptor, 65_536)
        self.shown += data.decode(errors="replace")
        return bool(data)
