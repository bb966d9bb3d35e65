"""One bounded run of the packaged application on this machine, over files.

The same code as the live job's, in streaming mode: its process table functions run in no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from analytics_app.properties import AWAIT_VARIABLE
from sdpctl import web
from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local import flink_config
from sdpctl.local.processes import Service, free_port, last_lines
from sdpctl.settings import Settings

GROUP = "sdp"
# Each stream is one file, which one task reads. Others would have nothing to read, and until they
# have ended there is no watermark behind them: what must be late again would not be.
PARALLELISM = 1
_CHANGES = {
    "restart-strategy.type": "none",  # the caller restarts a bounded run
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.externalized-checkpoint-retention": "NO_EXTERNALIZED_CHECKPOINTS",
}


@dataclass(frozen=True)
class Run:
    """A run in `folder`, which contains `code/` (the unpacked zip) and the input of `source`.

    `group` is the property group of the deployed application, with its parameters. `name` is the
    process's; one of each name runs on this machine.
    """

    settings: Settings
    folder: Path
    use_case: str
    group: Mapping[str, str]
    kept: tuple[str, ...]
    name: str = "backfill"

    def source(self, stream: str) -> Path:
        """The input folder of a stream's records."""
        return self.folder / "data" / self.use_case / stream

    def finish(self, progress: Callable[[int], None]) -> float:
        """Run to the end; `progress` receives the number of records read.

        Returns the seconds from the first record to the end, without the start of the job.

        Raises CommandError if another run of that name is on this machine, or the job fails.
        """
        service = self._service
        if service.process():
            raise CommandError(f"another {self.name} is running on this machine")
        service.log.unlink(missing_ok=True)
        port = free_port()
        self._configure(port)
        process = service.start(
            [self.settings.python("flink"), "main.py"], self._environment(), self.folder / "code"
        )
        try:
            seconds = watch(
                lambda: process.poll() is not None, lambda: _records_read(port), progress
            )
        finally:
            service.kill()
            flink_config.clear(self._scratch)
        if process.returncode:
            tail = last_lines(service.log, 30)
            raise CommandError(f"the {self.name}'s job failed\n{tail}\nlog: {service.log}")
        return seconds

    @property
    def _service(self) -> Service:
        return Service(self.name, self.settings)

    def results(self, stream: str) -> Iterator[dict[str, Any]]:
        """The rows that the run wrote to a stream, unordered."""
        for path in sorted(self.source(stream).rglob("part-*")):
            with path.open("rb") as file:
                yield from map(orjson.loads, file)

    @property
    def _scratch(self) -> Path:
        """Flink's temporary files, which are removed with the folder."""
        return self.folder / "tmp"

    def _configure(self, port: int) -> None:
        self._scratch.mkdir()
        flink_config.write(
            self.folder / "conf",
            flink_home=flink_config.flink_home(self.settings.python("flink")),
            checkpoints=self.folder / "checkpoints",
            port=port,
            parallelism=PARALLELISM,
            scratch=self._scratch,
            log=self.folder / "flink.log",
            changes=_CHANGES,
        )
        properties = {
            **self.group,
            "use_cases": self.use_case,
            "connector": "files",
            "files.path": str(self.folder / "data"),
            "files.kept": ",".join(self.kept),
        }
        groups = [{"PropertyGroupId": GROUP, "PropertyMap": properties}]
        (self.folder / "properties.json").write_text(json.dumps(groups))

    def _environment(self) -> dict[str, str]:
        java = f"-Xmx{flink_config.ALONE.heap}m"
        return {
            **flink_config.surroundings(
                self.settings, self.name, self.folder / "conf", self._scratch, "local", java
            ),
            AWAIT_VARIABLE: "1",
            "SDP_APPLICATION_PROPERTIES": str(self.folder / "properties.json"),
        }


def end(settings: Settings, name: str) -> None:
    """End the run of that name which a command that was killed has left on this machine."""
    Service(name, settings).kill()


def watch(
    ended: Callable[[], bool],
    read: Callable[[], int],
    progress: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = pause,
) -> float:
    """Poll until the run ends. Returns the seconds since the first record, or since its start."""
    started = before = clock()
    flowing = False
    while not ended():
        count = read()
        if count and not flowing:
            started, flowing = before, True
        before = clock()
        progress(count)
        pause(0.2)
    return clock() - started


def _records_read(port: int) -> int:
    """The records emitted by the sources; 0 before the job starts and after it ends."""
    base = f"http://127.0.0.1:{port}/jobs"
    try:
        job = web.client().get(base, timeout=2).json()["jobs"][0]["id"]
        vertices = web.client().get(f"{base}/{job}", timeout=2).json()["vertices"]
    except (httpx.HTTPError, ValueError, KeyError, IndexError):
        return 0
    sources = [v for v in vertices if v["name"].startswith("Source:")]
    return max((int(v["metrics"]["write-records"]) for v in sources), default=0)
