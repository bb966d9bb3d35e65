"""Each answer while events flow: versions only grow, what is final stays as it is, and so on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra.topology import Table
from lambdas.ports.report_store import StoreUnavailable
from tests.local.driver import Driver
from tests.local.faults.audit import Audit
from tests.local.faults.flow import Flow

PAUSE = 0.3  # seconds between two rounds of questions
SECONDS = 20.0  # for an answer
AFTER_FAULT = "final rows after a fault"  # of those that were final before it
MINUTES = "minutes of the ledger"
AUDITED = 4  # how many keys of reports are read between two audits
BUSY = (429, 500, 502, 503, 504)  # what an API may answer during a fault
Row = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """A key of a flow's report, and the table that has its rows."""

    flow: Flow
    table: Table
    key: Any

    @property
    def path(self) -> str:
        """Of its totals, behind `reports/`; its name in what is kept of it."""
        return f"{self.flow.report.path}/{self.key}"


def in_turns(flows: Iterable[Flow], tables: Mapping[str, Table]) -> list[Watched]:
    """The keys of all flows, one of each flow after the other."""
    of_each = ([Watched(flow, tables[flow.name], key) for key in flow.watched] for flow in flows)
    return [one for turn in zip_longest(*of_each) for one in turn if one is not None]


class Watch:
    """Asks for one key after the other until `end`, and compares with what it has seen."""

    def __init__(
        self, driver: Driver, watched: Iterable[Watched], audits: Mapping[str, Audit]
    ) -> None:
        self._driver, self._watched, self._audits = driver, list(watched), audits
        self._http = httpx.Client(timeout=SECONDS, headers={"x-api-key": driver.key})
        self._through = dict.fromkeys(audits, "")
        self._rows: dict[tuple[str, str], Row] = {}
        self._versions: dict[tuple[str, int], tuple[int, int]] = {}
        self._faults = 0
        self._final: dict[tuple[str, str], int] = {}  # how many faults there were before
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
            for number, one in enumerate(self._watched):
                if number % AUDITED == 0:
                    for name in self._audits:
                        self._try(self._minutes, name)
                self._try(self._totals, one)
                self._try(self._periods, one)
                self._try(self._stored, one)
                if self._ended.wait(PAUSE / len(self._watched)):
                    return

    def _try(self, look: Callable[[Any], None], what: str | Watched) -> None:
        """One look; a platform that does not answer during a fault says nothing wrong."""
        try:
            look(what)
        except (httpx.HTTPError, BotoCoreError, ClientError, StoreUnavailable):
            self.compared["not answered"] += 1

    def _minutes(self, name: str) -> None:
        """Every minute of a use case's ledger balances, also now."""
        self.compared[MINUTES] += self._audits[name]()
        self.compared["times with too many outcomes for seconds"] = sum(
            audit.made_good for audit in self._audits.values()
        )

    def _totals(self, one: Watched) -> None:
        body = self._get(one.path)
        if body is not None:
            before, through = self._through[one.flow.name], body["complete_through"] or ""
            assert through >= before, f"complete_through {before} -> {body}"
            self._through[one.flow.name] = through
            self.compared["totals"] += 1

    def _periods(self, one: Watched) -> None:
        body = self._get(f"{one.path}/period", period="MINUTES", limit=1000)
        if body is None:
            return
        assert body["next"] is None, "more than a thousand minutes"
        rows = {row["period_start"]: row for row in body["rows"]}
        for (path, start), before in self._rows.items():
            if path == one.path:
                _follows(before, rows.get(start), one)
        self._rows.update({(one.path, start): row for start, row in rows.items()})
        faults, final = self._faults, [(one.path, s) for s, row in rows.items() if row["final"]]
        known = [self._final.setdefault(row, faults) for row in final]
        self.compared["rows"] += len(rows)
        self.compared[AFTER_FAULT] += sum(since < faults for since in known)

    def _get(self, path: str, **fields: Any) -> dict[str, Any] | None:
        answer = self._http.get(f"{self._driver.reports}/reports/{path}", params=fields)
        if answer.status_code == 404:
            known = {own for own, _ in self._rows}
            assert path.removesuffix("/period") not in known, f"{path} is gone"
            return None
        if answer.status_code in BUSY:
            self.compared["not answered"] += 1
            return None
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        body: dict[str, Any] = answer.json()
        return body

    def _stored(self, one: Watched) -> None:
        """The rows of the table: each with a version not below the one before, none gone."""
        found = self._driver.client("dynamodb").query(
            TableName=one.table.name,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": one.table.hash_key},
            ExpressionAttributeValues={
                ":key": {"N" if one.table.numeric_key else "S": str(one.key)}
            },
            ConsistentRead=True,
        )["Items"]
        period = one.table.range_key
        rows = {int(i[period]["N"]): _version(i) for i in found if "version" in i}
        for (path, at), before in self._versions.items():
            if path == one.path:
                assert rows.get(at, (-1, -1)) >= before, f"{path} {at}: {before} -> {rows}"
        self._versions.update({(one.path, at): version for at, version in rows.items()})
        self.compared["versions"] += len(rows)


def _version(item: dict[str, dict[str, str]]) -> tuple[int, int]:
    return int(item["generation"]["N"]), int(item["version"]["N"])


def _follows(before: Row, now: Row | None, one: Watched) -> None:
    """A final row is the same for ever; of another the number of counted events only grows.

    A single measure may fall for a while: Flink goes back to a checkpoint, reads shards in another
    order, and has counted more events, but not all of those that it had counted before.
    """
    assert now is not None, f"{one.path}: a row is gone: {before}"
    if before["final"]:
        assert now == before, f"{one.path}: a final row changed: {before} -> {now}"
    if not one.flow.counted:
        return
    counted, held = (sum(row[name] for name in one.flow.counted) for row in (now, before))
    assert counted >= held, f"{one.path}: fewer events: {before} -> {now}"
    if counted == held:
        assert now == before | {"final": now["final"]}, f"{one.path}: {before} -> {now}"
