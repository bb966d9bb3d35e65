"""The ledger's newest minutes, at any moment: each must balance, whatever has happened."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import usecases
from glue.targets import dynamodb
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.balance import Limits, Minute, minutes
from sdpctl.settings import Settings
from tests.local.driver import Driver
from tests.local.faults.flow import Flow
from tests.local.parameters import PARAMETERS

AHEAD = timedelta(minutes=5)  # minutes of clocks that are wrong
BEFORE = timedelta(minutes=10)  # what closed longer ago is compared at the end
# The door stores records also while it cannot write the ledger, and writes what was missed with its
# next request: so long a minute may have too many outcomes. None may ever miss one.
MADE_GOOD_SECONDS, LOOK = 10.0, 0.5


class Audit:
    """What `./sdp audit` computes, without the start of a process: it is called all the time."""

    def __init__(self, settings: Settings, driver: Driver, flow: Flow, start: datetime) -> None:
        topology = Topology(settings.prefix, usecases.load())
        client = driver.client("dynamodb")
        self._store, self._progress = DynamoStore(client), topology.progress_table
        self._ledger = DynamoReceipts(topology.ledger_table, client)
        parameters = flow.use_case.configured({**PARAMETERS, **flow.parameters})
        self._name, self._limits, self._start = flow.name, Limits.of(parameters), start
        self.made_good = 0  # how often a minute had too many outcomes for some seconds

    def __call__(self) -> int:
        """How many minutes balance; AssertionError if one does not. Raises StoreUnavailable."""
        until = time.monotonic() + MADE_GOOD_SECONDS
        found, watermark = self._minutes()
        self.made_good += any(minute.excess for minute in found)
        while any(minute.excess for minute in found) and time.monotonic() < until:
            time.sleep(LOOK)
            found, watermark = self._minutes()
        wrong = [minute.as_dict() for minute in found if not minute.balances]
        assert not wrong, f"with the watermark {watermark} these minutes do not balance: {wrong}"
        return len(found)

    def _minutes(self) -> tuple[list[Minute], datetime | None]:
        """The minutes of the last while, and the watermark that they were compared with."""
        now, limits = datetime.now(UTC), self._limits
        item = self._store.get(self._progress, {"use_case": {"S": self._name}})
        watermark = dynamodb.watermark(item)
        span = (max(self._start, now - limits.closed - BEFORE), now + AHEAD)
        return [*minutes(self._ledger, self._name, span, watermark, limits)], watermark
