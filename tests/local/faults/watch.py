"""Each answer while events flow: versions only grow, what is final stays as it is, and so on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports.report_store import StoreUnavailable
from tests.local.driver import Driver
from tests.local.faults.audit import Audit
from tests.local.faults.flow import REPORT

PAUSE = 0.3  # seconds between two rounds of questions
SECONDS = 20.0  # for an answer
AFTER_FAULT = "final rows after a fault"  # of those that were final before it
MINUTES = "minutes of the ledger"
AUDITED = 4  # how many campaigns are read between two audits
COUNTED = ("bids", "impressions", "clicks")  # each event once: their sum is the version
BUSY = (429, 500, 502, 503, 504)  # what an API may answer during a fault
Row = dict[str, Any]


class Watch:
    """Asks for one campaign after the other until `end`, and compares with what it has seen."""

    def __init__(self, driver: Driver, table: str, campaigns: Iterable[int], audit: Audit) -> None:
        self._driver, self._table, self._campaigns = driver, table, list(campaigns)
        self._audit = audit
        self._http = httpx.Client(timeout=SECONDS, headers={"x-api-key": driver.key})
        self._through = ""
        self._rows: dict[tuple[int, str], Row] = {}
        self._versions: dict[tuple[int, int], tuple[int, int]] = {}
        self._faults = 0
        self._final: dict[tuple[int, str], int] = {}  # how many faults there were before
        self.compared = Counter[str]()
        self._ended = threading.Event()

    def begin(self) -> None:
        """Watch from now on, in a thread."""
        self._running = ThreadPoolExecutor(1, "watch").submit(self._run)

    def fault(self) -> None:
        """A fault is about to happen."""
        self._faults += 1

    def end(self) -> None:
        """Stop; raises AssertionError with the first answer that was wrong."""
        self._ended.set()
        self._running.result()

    def raise_early(self) -> None:
        """Raise what has been found by now."""
        if self._running.done():
            self._running.result()

    def _run(self) -> None:
        while True:
            for number, campaign in enumerate(self._campaigns):
                if number % AUDITED == 0:
                    self._try(self._minutes, campaign)
                self._try(self._totals, campaign)
                self._try(self._periods, campaign)
                self._try(self._stored, campaign)
                if self._ended.wait(PAUSE / len(self._campaigns)):
                    return

    def _try(self, look: Callable[[int], None], campaign: int) -> None:
        """One look; a platform that does not answer during a fault says nothing wrong."""
        try:
            look(campaign)
        except (httpx.HTTPError, BotoCoreError, ClientError, StoreUnavailable):
            self.compared["not answered"] += 1

    def _minutes(self, _: int) -> None:
        """Every minute of the ledger balances, also now."""
        self.compared[MINUTES] += self._audit()
        self.compared["times with too many outcomes for seconds"] = self._audit.made_good

    def _totals(self, campaign: int) -> None:
        body = self._get(f"campaigns/{campaign}")
        if body is not None:
            through = body["complete_through"] or ""
            assert through >= self._through, f"complete_through {self._through} -> {body}"
            self._through = through
            self.compared["totals"] += 1

    def _periods(self, campaign: int) -> None:
        body = self._get(f"campaigns/{campaign}/period", period="MINUTES", limit=1000)
        if body is None:
            return
        assert body["next"] is None, "more than a thousand minutes"
        rows = {row["period_start"]: row for row in body["rows"]}
        for (owner, start), before in self._rows.items():
            if owner == campaign:
                _follows(before, rows.get(start), campaign)
        self._rows.update({(campaign, start): row for start, row in rows.items()})
        faults, final = self._faults, [(campaign, s) for s, row in rows.items() if row["final"]]
        known = [self._final.setdefault(row, faults) for row in final]
        self.compared["rows"] += len(rows)
        self.compared[AFTER_FAULT] += sum(since < faults for since in known)

    def _get(self, path: str, **fields: Any) -> dict[str, Any] | None:
        answer = self._http.get(f"{self._driver.reports}/reports/{path}", params=fields)
        if answer.status_code == 404:
            assert not any(str(owner) in path for owner, _ in self._rows), f"{path} is gone"
            return None
        if answer.status_code in BUSY:
            self.compared["not answered"] += 1
            return None
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        body: dict[str, Any] = answer.json()
        return body

    def _stored(self, campaign: int) -> None:
        """The rows of the table: each with a version not below the one before, none gone."""
        found = self._driver.client("dynamodb").query(
            TableName=self._table,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": REPORT.key},
            ExpressionAttributeValues={":key": {"N": str(campaign)}},
            ConsistentRead=True,
        )["Items"]
        rows = {int(i[REPORT.period]["N"]): _version(i) for i in found if "version" in i}
        for (owner, at), before in self._versions.items():
            if owner == campaign:
                assert rows.get(at, (-1, -1)) >= before, f"{campaign} {at}: {before} -> {rows}"
        self._versions.update({(campaign, at): version for at, version in rows.items()})
        self.compared["versions"] += len(rows)


def _version(item: dict[str, dict[str, str]]) -> tuple[int, int]:
    return int(item["generation"]["N"]), int(item["version"]["N"])


def _follows(before: Row, now: Row | None, campaign: int) -> None:
    """A final row is the same for ever; of another the number of counted events only grows.

    A single measure may fall for a while: Flink goes back to a checkpoint, reads shards in another
    order, and has counted more events, but not all of those that it had counted before.
    """
    assert now is not None, f"{campaign}: a row is gone: {before}"
    if before["final"]:
        assert now == before, f"{campaign}: a final row changed: {before} -> {now}"
    counted, held = (sum(row[name] for name in COUNTED) for row in (now, before))
    assert counted >= held, f"{campaign}: fewer events: {before} -> {now}"
    if counted == held:
        assert now == before | {"final": now["final"]}, f"{campaign}: {before} -> {now}"
