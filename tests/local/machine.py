"""Accidents of the machine that the platform has to survive."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from sdpctl.local import emulator, flink_status, workers
from sdpctl.local.delivery import service as delivery
from sdpctl.local.mqtt import service as mqtt
from sdpctl.settings import Settings
from tests.local.driver import wait_until


@dataclass(frozen=True)
class Machine:
    """The processes of a running platform."""

    settings: Settings

    def kill_flink(self, application: str | None = None) -> None:
        """`kill -9` of the JVM of an application's job (default: the first's), once all jobs run.

        Its worker is left to notice.
        """
        process = self._flink(application)
        process.kill()
        psutil.wait_procs([process], timeout=10)

    def kill_delivery(self) -> None:
        """`kill -9` of the delivery into the lake once it runs; the workers start another."""
        process = delivery.service(self.settings).process
        wait_until(lambda: process() is not None, 60, lambda: "no delivery process")
        found = process()
        assert found
        found.kill()
        psutil.wait_procs([found], timeout=10)

    def kill_broker(self) -> None:
        """`kill -9` of the MQTT broker once it accepts connections; the workers start another."""
        wait_until(lambda: mqtt.accepts(self.settings), 60, lambda: "no MQTT broker")
        process = mqtt.service(self.settings).process()
        assert process, "no MQTT broker"
        process.kill()
        psutil.wait_procs([process], timeout=10)

    def restart_emulator(self) -> None:
        """Stop the emulator as an operator would, and start it again."""
        workers.service(self.settings).stop()
        emulator.stop(self.settings)
        emulator.start(self.settings)
        workers.start(self.settings)

    def _flink(self, application: str | None) -> psutil.Process:
        wait_until(lambda: flink_status.running(self.settings), 120, lambda: "no Flink job runs")
        name = application or flink_status.names(self.settings)[0]
        process = flink_status.service(self.settings, name).process()
        assert process, "no Flink process"
        return process
