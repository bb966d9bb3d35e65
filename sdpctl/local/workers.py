"""`python -m sdpctl.local.workers`: the process that runs what the emulator lacks.

It also restarts the emulator, the delivery to the lake, the SageMaker stand-in and the MQTT broker
if they die unexpectedly.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from glue import PlatformError
from sdpctl.local import emulator, files, flink_config, flink_status, logs
from sdpctl.local.applications import Application, applications
from sdpctl.local.applications import start as start_application
from sdpctl.local.delivery import service as delivery
from sdpctl.local.flink_worker import FlinkWorker
from sdpctl.local.mqtt import service as mqtt
from sdpctl.local.processes import Service
from sdpctl.local.sagemaker import service as sagemaker
from sdpctl.settings import Settings

LOOK_EVERY = 1.0
START_EVERY = 5.0
MQTT_EVERY = 2.0
log = logging.getLogger("sdp.workers")


def service(settings: Settings) -> Service:
    """The process of the workers."""
    return Service("workers", settings)


def start(settings: Settings) -> bool:
    """Start the workers; False if they run already."""
    if service(settings).process():
        return False
    command = [str(settings.python("dev")), "-m", "sdpctl.local.workers"]
    service(settings).start(command, settings.aws_environment())
    return True


def stop(settings: Settings) -> bool:
    """End the workers, the delivery and the jobs they run; these leave no temporary files."""
    ended = service(settings).stop()
    delivery.service(settings).kill()  # its journals say where it goes on
    mqtt.service(settings).kill()  # what it has acknowledged is stored
    for job in _job_services(settings):
        job.kill()
    for scratch in (settings.home / "flink").glob("*/tmp"):
        flink_config.clear(scratch)
    return ended


def jobs(settings: Settings) -> list[Service]:
    """The processes of Flink jobs that run, with or without their worker."""
    return [job for job in _job_services(settings) if job.process()]


def _job_services(settings: Settings) -> list[Service]:
    return [Service(p.stem, settings) for p in (settings.home / "pids").glob("flink-*.json")]


def resume(settings: Settings, application: Application) -> None:
    """Start an application again that the emulator forgot was running when it ended itself.

    A stop under the emulator that the application was last seen running under is meant.
    """
    mark = settings.home / "flink" / application.name / "running-under"
    current = emulator.service(settings).pid_file.read_text()
    before = mark.read_text() if mark.exists() else current
    if application.should_run:
        if not mark.exists() or before != current:
            files.write(mark, current)
    elif before != current:
        log.info("starting %s, which ran before the emulator was ended", application.name)
        start_application(settings, application.name)
    else:
        mark.unlink(missing_ok=True)


class Supervisor:
    """Polls the control plane until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ended = threading.Event()
        self._jobs: dict[str, FlinkWorker] = {}
        self._delivery_due = self._mqtt_due = 0.0

    def run(self) -> None:
        """Follow the control plane until a signal arrives; then end the jobs."""
        while not self.ended.is_set():
            try:
                self._look()
            except (BotoCoreError, ClientError, PlatformError, OSError) as error:
                log.warning("%s: %s", type(error).__name__, error)
            except Exception:  # whatever it is: nobody else starts again what has died
                log.exception("the next look follows")
            self.ended.wait(LOOK_EVERY)
        delivery.service(self.settings).kill()
        mqtt.service(self.settings).kill()
        for job in self._jobs.values():
            job.service.kill()

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler."""
        self.ended.set()

    def _look(self) -> None:
        if emulator.service(self.settings).pid_file.exists():
            emulator.start(self.settings)
        if sagemaker.service(self.settings).pid_file.exists():
            sagemaker.start(self.settings)
        self._keep_delivering()
        logs.bound(self.settings.logs)
        by_name = {a.name: a for a in applications(self.settings)}
        for application in by_name.values():
            resume(self.settings, application)
        for name in sorted(by_name.keys() | self._jobs.keys() | self._stated()):
            job = self._job(name)
            job.jobs = len(by_name)
            job.follow(by_name.get(name))
        self._keep_receiving()

    def _stated(self) -> set[str]:
        """Applications of which an earlier process stated that it runs their job."""
        return {state["name"] for state in flink_status.states(self.settings)}

    def _keep_delivering(self) -> None:
        now = time.monotonic()
        if now >= self._delivery_due and delivery.start(self.settings):
            self._delivery_due = now + START_EVERY

    def _keep_receiving(self) -> None:
        now = time.monotonic()
        if now >= self._mqtt_due:
            mqtt.follow(self.settings)
            self._mqtt_due = now + MQTT_EVERY

    def _job(self, name: str) -> FlinkWorker:
        return self._jobs.setdefault(name, FlinkWorker(self.settings, name))


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    supervisor = Supervisor(Settings.load())
    signal.signal(signal.SIGTERM, supervisor.end)
    signal.signal(signal.SIGINT, supervisor.end)
    supervisor.run()


if __name__ == "__main__":
    main()
