"""Managed Flink's data plane: runs the application that the control plane describes.

It follows Start, Stop and Update, and restarts a job that died from its newest complete checkpoint.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdpctl.local import aws, files, flink_config, flink_ports, flink_status
from sdpctl.local.applications import Application, unpack
from sdpctl.local.flink_metrics import PercentileReports, RestartReports
from sdpctl.local.flink_process import Job
from sdpctl.local.processes import Service, last_lines, port_problem
from sdpctl.settings import Settings

LONGEST_PAUSE = 30.0
SETTLED = 60.0  # a job that ran this long starts again at once
# The last line of a traceback of Python, and the cause in one of Java.
_ERROR = re.compile(r"\s*(Caused by: |[\w.]+(Error|Exception): )")
LOST_STATE = ("Cannot map checkpoint/savepoint state", "StateMigrationException")


@dataclass
class FlinkWorker:
    """One application's job on this machine, beside those of `jobs` - 1 other applications."""

    settings: Settings
    name: str
    jobs: int = 1
    running: Application | None = None
    restarts: int = 0
    _before: int = 0  # restarts of versions before this one
    _version: int | None = None
    _error: str = ""
    _failed: str = ""  # the version before, and why it ended, if that was undone or replaced
    _pause: float = 0.0
    _started: float = 0.0
    _restored: Path | None = None  # the checkpoint from which it was started
    _not_before: float = 0.0
    _written: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reports = RestartReports(self.settings, self.name)
        self._percentiles = PercentileReports(self.settings, self.name)

    @property
    def service(self) -> Service:
        """The job's process: the JVM; while it is planned, Python and its JVM."""
        return flink_status.service(self.settings, self.name)

    @property
    def home(self) -> Path:
        """Code, configuration and checkpoints of the application."""
        return self.settings.home / "flink" / self.name

    @property
    def scratch(self) -> Path:
        """Flink's temporary files; what a killed process left there goes with the next one."""
        return self.home / "tmp"

    def follow(self, application: Application | None) -> None:
        """Make the process match what the control plane says now."""
        alive = self.service.process() is not None
        if application is None or not application.should_run:
            self._stop(alive, application is not None)
        elif self.running and alive and application != self.running:
            self.service.kill()
            self._start(application)
        elif not alive:
            self._revive(application)
        elif self._error and time.monotonic() - self._started > SETTLED:
            self._error = ""
            self._say(error="")
        if self._version is not None:
            self._report()

    def _report(self) -> None:
        client, now = aws.client(self.settings, "cloudwatch"), time.monotonic()
        self._reports.report(client, self.restarts - self._before, now)
        self._percentiles.report(client, now)

    def _stop(self, alive: bool, deployed: bool) -> None:
        if alive:
            self.service.kill()  # the newest checkpoint is seconds old
            flink_config.clear(self.scratch)
        self.running = self._version = None
        self._say(state="stopped" if deployed else "removed")

    def _revive(self, application: Application) -> None:
        now = time.monotonic()
        if self.running is not None:
            self._bury(now)
        if now >= self._not_before:
            self._start(application)

    def _bury(self, now: float) -> None:
        """The job died: end what is left of it and decide when to start again."""
        self.service.kill()
        settled = now - self._started > SETTLED
        if flink_config.newest_checkpoint(self.home / "checkpoints") == self._restored:
            self._forget_plans()
        self._pause = 0.0 if settled else min(LONGEST_PAUSE, self._pause * 2 or 1.0)
        self._not_before = now + self._pause
        self.running, self.restarts = None, self.restarts + 1
        self._error = self._reason()
        self._say(state="restarting", error=self._error)

    def _forget_plans(self) -> None:
        """The next start plans again: a plan may be why the job ended before a checkpoint."""
        for plan in self.home.glob("version-*/plans/*"):
            plan.unlink(missing_ok=True)

    def _reason(self) -> str:
        tail = last_lines(self.service.log, 60)
        if any(sign in tail for sign in LOST_STATE):
            return (
                "the new version cannot be restored from the old state: deploy the old "
                "version again, drop what none of its operators has with "
                "PARAMETERS='stateLoss=allow', or drop all with 'make clean'"
            )
        lines = [line for line in reversed(tail.splitlines()) if _ERROR.match(line)]
        return lines[0].strip() if lines else ""

    def _start(self, application: Application) -> None:
        self.service.kill()
        port = flink_ports.choose(self.settings, self.name)
        if problem := port_problem(port, flink_ports.VARIABLE):
            self._say(state="waiting", port=port, error=problem)
            return
        if application.version != self._version:
            self._failed = f"version {self._version}: {self._error}" if self._error else ""
            self._version, self._before, self._error = application.version, self.restarts, ""
            self._reports.begin()
        self._forget_deleted(application)
        code, memory = self._code(application), flink_config.memory(self.jobs)
        flink_config.clear(self.scratch)
        self.scratch.mkdir()
        self._restored = flink_config.write(
            self.home / "conf",
            flink_home=flink_config.flink_home(self.settings.python("flink")),
            checkpoints=self.home / "checkpoints",
            port=port,
            parallelism=application.parallelism,
            scratch=self.scratch,
            log=flink_status.own_log(self.settings, self.name),
            memory=memory,
            changes=flink_config.DROPS_STATE if application.drops_state else {},
        )
        main = code / application.program().get("python", "main.py")
        conf = self.home / "conf"
        job = Job(self.settings, self.name, main, code / "plans", conf, self.scratch, memory)
        surroundings = {**job.environment(), "SDP_APPLICATION_PROPERTIES": str(self._properties)}
        self.service.start(job.command(), surroundings, cwd=code)
        self.running, self._started = application, time.monotonic()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        restored_from = str(self._restored) if self._restored else None
        self._say(
            state="running",
            port=port,
            use_cases=application.use_cases,
            version=application.version,
            started=started,
            restored_from=restored_from,
            failed=self._failed,
            error=self._error,  # of this version's last end: it may be about to end the same way
        )

    def _forget_deleted(self, application: Application) -> None:
        """Remove the state of a deleted application of this name: its snapshots went with it."""
        mark = self.home / "created"
        before = mark.read_text() if mark.exists() else None
        if before == application.created:
            return
        if before is not None:
            shutil.rmtree(self.home / "checkpoints", ignore_errors=True)
            self._remove_code()
        files.write(mark, application.created)

    def _code(self, application: Application) -> Path:
        """The folder of the version's code; it stays for the next start, with the plans of it."""
        folder = self.home / f"version-{application.version}"
        if not folder.exists():
            self._remove_code()
            partial = self.home / "version.partial"
            partial.mkdir(parents=True)
            unpack(self.settings, application, partial)
            partial.rename(folder)
        files.write(self._properties, application.properties_json())
        return folder

    @property
    def _properties(self) -> Path:
        return self.home / "application_properties.json"

    def _remove_code(self) -> None:
        for old in self.home.glob("version[-.]*"):
            shutil.rmtree(old, ignore_errors=True)

    def _say(self, **facts: Any) -> None:
        """Write the state for `sdp status`."""
        state = {**self._written, **facts, "restarts": self.restarts}
        if state != self._written:
            files.write(self.home / "state.json", json.dumps(state))
            self._written = state
