"""What has to be true at the end: reports, lake and ledger of each use case against its flow."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import usecases
from glue.ledger import OUTCOMES
from infra.topology import Topology
from lambdas.ports.ledger import minute_of
from sdpctl.clock import pause
from sdpctl.local import aws
from sdpctl.settings import Settings
from sdpctl.sql.athena import Athena
from tests.local.commands import sdp
from tests.local.driver import wait_until
from tests.local.faults.accidents import LARGEST_JUMP
from tests.local.faults.flow import Flow

SETTLE_SECONDS = 60
COLUMNS = ("ok", "unknown", "unread", "waiting", "redelivered")
WRONG = timedelta(seconds=LARGEST_JUMP)


def lake_of(settings: Settings, flow: Flow) -> Athena:
    """The queries of a flow's use case."""
    topology, client = Topology(settings.prefix, usecases.load()), aws.client(settings, "athena")
    names = topology.workgroup(flow.name), topology.database(flow.name)
    return Athena(client, *names, pause)


class Ledger:
    """The minutes of receipt of a run; others have sent events in the first.

    The door's clock may be wrong by some minutes.
    """

    before: dict[str, int]

    def __init__(self, settings: Settings, use_case: str, start: datetime) -> None:
        self._settings, self._use_case = settings, use_case
        self.start = minute_of(start - WRONG)
        wait_until(lambda: self._settle(start), SETTLE_SECONDS, lambda: f"{self.before}")

    def _settle(self, start: datetime) -> bool:
        """Whether all that was received before has been read."""
        self.before = self.sums(start)
        return not self.before["unread"]

    def sums(self, end: datetime) -> dict[str, int]:
        """Sums over the minutes until `end`; AssertionError if one does not balance."""
        until = minute_of(end + WRONG) + timedelta(minutes=1)
        span = ("--from", self.start.isoformat(), "--to", until.isoformat())
        done = sdp(self._settings, "audit", "--use-case", self._use_case, *span, "--json")
        assert not done.stderr, done.stderr
        minutes = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, f"the ledger does not balance:\n{done.stdout}"
        sums = {name: sum(m[name] for m in minutes) for name in COLUMNS}
        return sums | {name: sum(m["outcomes"][name] for m in minutes) for name in OUTCOMES}

    def now(self) -> dict[str, int]:
        """What was added since the start."""
        sums = self.sums(datetime.now(UTC))
        return {name: n - self.before[name] for name, n in sums.items()}
