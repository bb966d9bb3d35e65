"""Events that go on for a while after `make demo`, over MQTT, so that the page has what moves.

The use case's `live.py` has them: `events(start)`, without end, in the order of their time, of the
keys `KEYS`. The process ends by itself, or with `make down`.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx
import orjson

from glue import UseCase, instants
from sdpctl.clock import now, pause
from sdpctl.errors import CommandError
from sdpctl.local import outputs
from sdpctl.local.outputs import Outputs
from sdpctl.publishing import Broker, publish_all
from sdpctl.settings import Settings

MODULE = "live"
MINUTES = 15
SECONDS = 120.0  # until each key has a row of the report
COMMAND = ("-m", "sdpctl.demo_live", str(MINUTES))
Clock = Callable[[], datetime]
Wait = Callable[[float], object]
log = logging.getLogger("sdp.demo")


@dataclass(frozen=True)
class Live:
    """A deployed use case whose events go on."""

    current: Outputs
    use_case: UseCase
    content: ModuleType

    def send(self, lasting: timedelta, clock: Clock = now, wait: Wait = pause) -> None:
        """Publish for so long. Raises CommandError if the broker cannot be reached."""
        assert self.use_case.mqtt and self.current.url_for_mqtt
        schema = self.use_case.mqtt.schema
        topics = dict.fromkeys((schema.type, *schema.aliases), self.use_case.mqtt)
        broker = Broker(self.current.url_for_mqtt, self.current.api_key, topics)
        start = clock()
        lines = due(self.content.events(start), start + lasting, clock, wait)
        tally = publish_all(broker, lines)
        log.info("%d accepted, %d rejected, %s", tally.accepted, tally.rejected, tally.cause)

    def shown(self) -> str:
        """Wait until each key has a row of the report; what to print. Raises CommandError."""
        path = f"{self.current.url_for_reports}/reports/{self.use_case.reports[0].path}"
        keys, started = self.content.KEYS, time.monotonic()
        with httpx.Client(headers={"x-api-key": self.current.api_key}, timeout=60) as client:
            while silent := [k for k in keys if client.get(f"{path}/{k}").status_code != 200]:
                if time.monotonic() - started > SECONDS:
                    raise CommandError(
                        f"{self.use_case.name}: nothing is reported of {', '.join(silent)} after "
                        f"{SECONDS:g} s; './sdp status' shows what does not run"
                    )
                pause(0.5)
        return (
            f"{', '.join(keys[:-1])} and {keys[-1]} send for {MINUTES} minutes; make down ends them"
        )


def deployed(current: Outputs) -> Live | None:
    """The first deployed use case that has such events, if one has."""
    for use_case in current.topology.catalog.use_cases:
        if has(use_case) and current.url_for_mqtt:
            return Live(current, use_case, import_module(f"usecases.{use_case.name}.{MODULE}"))
    return None


def has(use_case: UseCase) -> bool:
    """Whether it has events that go on."""
    return use_case.mqtt is not None and (use_case.folder / f"{MODULE}.py").exists()


def due(
    events: Iterable[dict[str, Any]],
    until: datetime,
    clock: Clock = now,
    wait: Wait = pause,
) -> Iterator[bytes]:
    """Each event as a line when its time has come, before an instant."""
    for event in events:
        at = instants.parse(event["occurred_at"])
        if at >= until:
            return
        while (ahead := at - clock()) > timedelta(0):
            wait(ahead.total_seconds())
        yield orjson.dumps(event)


def main() -> int:
    """The process; the argument is how many minutes it sends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    live = deployed(outputs.read(Settings.load()))
    if live is None:
        log.error("no deployed use case has events that go on")
        return 1
    try:
        live.send(timedelta(minutes=float(sys.argv[1])))
    except CommandError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
