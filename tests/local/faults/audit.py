"""The ledger's newest minutes, at any moment: each must balance, whatever has happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import usecases
from glue.instants import EPOCH
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.balance import Limits, minutes
from sdpctl.settings import Settings
from tests.local.driver import Driver
from tests.local.faults.flow import USE_CASE
from tests.local.parameters import PARAMETERS

AHEAD = timedelta(minutes=5)  # minutes of clocks that are wrong
BEFORE = timedelta(minutes=10)  # what closed longer ago is compared at the end


class Audit:
    """What `./sdp audit` computes, without the start of a process: it is called all the time."""

    def __init__(self, settings: Settings, driver: Driver, start: datetime) -> None:
        topology = Topology(settings.prefix, usecases.load())
        client = driver.client("dynamodb")
        self._store, self._progress = DynamoStore(client), topology.progress_table
        self._ledger = DynamoReceipts(topology.ledger_table, client)
        self._limits, self._start = Limits.of(USE_CASE.configured(PARAMETERS)), start

    def __call__(self) -> int:
        """How many minutes balance; AssertionError if one does not. Raises StoreUnavailable."""
        now, limits = datetime.now(UTC), self._limits
        item = self._store.get(self._progress, {"use_case": {"S": USE_CASE.name}})
        watermark = EPOCH + timedelta(milliseconds=int(item["watermark"]["N"])) if item else None
        span = (max(self._start, now - limits.closed - BEFORE), now + AHEAD)
        found = [*minutes(self._ledger, USE_CASE.name, span, watermark, limits)]
        wrong = [minute.as_dict() for minute in found if not minute.balances]
        assert not wrong, f"with the watermark {watermark} these minutes do not balance: {wrong}"
        return len(found)
