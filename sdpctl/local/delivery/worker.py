"""`python -m sdpctl.local.delivery.worker`: the process that delivers every delivery stream.

It may be killed at any time: the journals say where to go on.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.local import aws, files
from sdpctl.local.delivery import service, streams
from sdpctl.local.delivery.batches import S3Object
from sdpctl.local.delivery.delivery import Delivery
from sdpctl.local.delivery.freshness import FreshnessReports
from sdpctl.local.delivery.journal import Journal
from sdpctl.local.delivery.kinesis import Kinesis
from sdpctl.settings import Settings

TICK = 0.5
LONGEST_PAUSE = 30.0
log = logging.getLogger("sdp.delivery")


class S3Store:
    """The emulator's S3."""

    def __init__(self, settings: Settings) -> None:
        self._s3 = aws.client(settings, "s3")

    def put(self, made: S3Object) -> None:
        """Store the object; raises ClientError or BotoCoreError."""
        self._s3.put_object(Bucket=made.bucket, Key=made.key, Body=made.body)


@dataclass
class Lane:
    """One delivery stream's delivery, when it is due (monotonic), and what went wrong."""

    delivery: Delivery
    due: float = 0.0
    pause: float = 0.0
    error: str = ""


class Worker:
    """Delivers each stream once in its interval; after an error, later and later again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._source, self._store = Kinesis(settings), S3Store(settings)
        self._lanes: dict[str, Lane] = {}
        self._reports = FreshnessReports(aws.client(settings, "cloudwatch"))

    def run(self) -> None:
        """Until the process is ended."""
        while True:
            try:
                self.look()
            except (BotoCoreError, ClientError, OSError) as error:
                log.warning("%s: %s", type(error).__name__, error)
            time.sleep(TICK)

    def look(self) -> None:
        """Deliver what is due."""
        due = [n for n, lane in self._lanes.items() if lane.due <= time.monotonic()]
        if due or not self._lanes:
            self._follow(streams.names(self.settings))
        for name, lane in self._lanes.items():
            if lane.due <= time.monotonic():
                self._run(name, lane)
                self._say()
        if self._reports.are_due(at := now().timestamp()):
            progress = {name: asdict(lane.delivery.progress) for name, lane in self._lanes.items()}
            ages = {name: service.lag(state, at) for name, state in progress.items()}
            self._reports.report(ages, at)

    def _follow(self, names: list[str]) -> None:
        """A lane for each delivery stream there is, none for what is gone."""
        for gone in self._lanes.keys() - set(names):
            del self._lanes[gone]
        for name in names:
            if name not in self._lanes:
                journal = Journal.open(self.settings.home / "delivery" / f"{name}.json")
                self._lanes[name] = Lane(Delivery(self._source, self._store, journal, now))

    def _run(self, name: str, lane: Lane) -> None:
        began = time.monotonic()
        before = lane.delivery.progress.records
        try:
            stream = streams.described(self.settings, name)
            all_ = lane.delivery.run(stream, streams.layout(self.settings, stream))
        except (BotoCoreError, ClientError, CommandError, OSError) as error:
            self._fail(name, lane, f"{type(error).__name__}: {error}")
        except Exception as error:  # one stream's fault must not stop the others
            log.exception("%s", name)
            self._fail(name, lane, f"{type(error).__name__}: {error}")
        else:
            lane.due, lane.pause, lane.error = began + stream.interval * all_, 0.0, ""
            if count := lane.delivery.progress.records - before:
                log.info("%s: %d records in %.2f s", name, count, time.monotonic() - began)

    def _fail(self, name: str, lane: Lane, error: str) -> None:
        lane.pause = min(LONGEST_PAUSE, lane.pause * 2 or 1.0)
        lane.due, lane.error = time.monotonic() + lane.pause, error
        log.warning("%s: %s; again in %.0f s", name, error, lane.pause)

    def _say(self) -> None:
        """Leave word for `sdp status`."""
        state = {
            name: {**asdict(lane.delivery.progress), "error": lane.error}
            for name, lane in self._lanes.items()
        }
        with suppress(OSError):
            files.write(service.state_file(self.settings), json.dumps(state))


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Worker(Settings.load()).run()


if __name__ == "__main__":
    main()
