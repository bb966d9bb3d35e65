"""What has to be true at the end: reports, lake and ledger against what was generated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bench.lake import AGGREGATES, Platform
from glue.instants import from_millis
from lambdas.ports.ledger import minute_of
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver, wait_until
from tests.local.faults.accidents import LARGEST_JUMP
from tests.local.faults.flow import MEASURES, REPORT, Flow

SETTLE_SECONDS = 60
WRONG = timedelta(seconds=LARGEST_JUMP)
EVENTS = """
SELECT count(DISTINCT event_id) AS found, count(DISTINCT event_id) AS events
FROM parquet_bcns WHERE tx_id LIKE '{prefix}%'
"""
ENRICHED = """
SELECT campaign_item_id, count(*) AS events FROM (
  SELECT DISTINCT campaign_item_id, event_id FROM {table} WHERE tx_id LIKE '{prefix}%')
GROUP BY campaign_item_id
"""


def reports(driver: Driver, flow: Flow) -> dict[str, Any]:
    """By campaign what a report says and what is true, where they differ: totals and minutes."""
    wrong: dict[str, Any] = {}
    for key, row in flow.truth["reports"][REPORT.path].items():
        totals, expected = driver.totals(int(key)), _numbers(row)
        if totals != expected:
            wrong[key] = (totals, expected)
            continue
        answer = driver.get(f"campaigns/{key}/period", period="MINUTES", limit=1000).json()
        minutes = {r["period_start"]: _numbers(r) for r in answer.get("rows", [])}
        if minutes != (expected_minutes := _minutes(flow, int(key))):
            wrong[key] = (minutes, expected_minutes)
    return wrong


def _numbers(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(row[name]) for name in MEASURES}


def _minutes(flow: Flow, campaign: int) -> dict[str, dict[str, int]]:
    rows = [r for r in flow.truth["periods"][REPORT.path] if r[REPORT.key] == campaign]
    starts = (from_millis(r[REPORT.period] * 1000).isoformat(timespec="seconds") for r in rows)
    return dict(zip(starts, map(_numbers, rows), strict=True))


def lake(platform: Platform, flow: Flow) -> dict[str, Any]:
    """By question what the lake says and what is true, where they differ.

    Rows may be there twice: a record that Flink writes again, a record that is delivered again.
    """
    truth = flow.truth
    rows = {int(key): _numbers(row) for key, row in truth["reports"][REPORT.path].items()}
    expected: dict[str, Any] = {
        EVENTS.format(prefix=flow.prefix): {truth["distinct"]: (truth["distinct"],)},
        AGGREGATES: {key: tuple(row.values()) for key, row in rows.items()},
    }
    for table, name in (("parquet_impressions", "impressions"), ("parquet_clicks", "clicks")):
        ask = ENRICHED.format(table=table, prefix=flow.prefix)
        expected[ask] = {key: (row[name],) for key, row in rows.items() if row[name]}
    found = {ask: platform.ask(ask) for ask in expected}
    found[AGGREGATES] = {k: row for k, row in found[AGGREGATES].items() if k in rows}
    return {ask: (found[ask], want) for ask, want in expected.items() if found[ask] != want}


class Ledger:
    """The minutes of receipt of a run; others have sent events in the first.

    The door's clock may be wrong by some minutes.
    """

    before: dict[str, int]

    def __init__(self, settings: Settings, start: datetime) -> None:
        self._settings, self._start = settings, minute_of(start - WRONG)
        wait_until(lambda: self._settle(start), SETTLE_SECONDS, lambda: f"{self.before}")

    def _settle(self, start: datetime) -> bool:
        """Whether all that was received before has been read."""
        self.before = self.sums(start)
        return not self.before["unread"]

    def sums(self, end: datetime) -> dict[str, int]:
        """Sums over the minutes until `end`; AssertionError if one does not balance."""
        until = minute_of(end + WRONG) + timedelta(minutes=1)
        span = ("--from", self._start.isoformat(), "--to", until.isoformat())
        done = sdp(self._settings, "audit", "--use-case", "adtech", *span, "--json")
        assert not done.stderr, done.stderr
        minutes = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, f"the ledger does not balance:\n{done.stdout}"
        sums = {name: sum(m[name] for m in minutes) for name in ("ok", "unknown", "unread")}
        sums["counted"] = sum(m["outcomes"]["counted"] for m in minutes)
        return sums

    def since(self, end: datetime) -> dict[str, int]:
        """What was added since the start."""
        return {name: n - self.before[name] for name, n in self.sums(end).items()}
