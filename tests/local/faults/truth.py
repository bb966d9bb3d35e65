"""What has to be true at the end: reports, lake and ledger against what was generated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bench.lake import AGGREGATES, Platform
from glue.instants import from_millis
from glue.ledger import OUTCOMES
from lambdas.ports.ledger import minute_of
from lambdas.replaying import sendable
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver, wait_until
from tests.local.faults.accidents import LARGEST_JUMP
from tests.local.faults.fates import (
    DUPLICATE,
    FIELDS,
    LATE,
    UNMATCHED,
    Closed,
    differences,
    moment,
)
from tests.local.faults.flow import MEASURES, REPORT, Flow

SETTLE_SECONDS = 60
COLUMNS = ("ok", "unknown", "unread", "waiting", "redelivered")
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
# A letter that is written again has another time, a row of a closed auction has all the same.
LETTERS = """
SELECT DISTINCT id, stage, reason, event_id, payload, encoding, occurred_at
FROM parquet_dead_letters WHERE {mine}
"""
CLOSED = f"""
SELECT DISTINCT tx_id, {", ".join(FIELDS)}, win_price, won, clicked, bid_at, won_at, clicked_at
FROM parquet_transactions WHERE tx_id LIKE '{{prefix}}%'
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


def lake(platform: Platform, flow: Flow, *, all_closed: bool) -> dict[str, Any]:
    """By question what the lake says and what is true, where they differ.

    Rows may be there twice: a record that Flink writes again, a record that is delivered again.
    Until all keys are closed some dead letters and auctions are missing.
    """
    others = {
        "dead letters": refused(flow, letters(platform, flow), all_closed=all_closed),
        "transactions": transactions(platform, flow, all_closed=all_closed),
    }
    return _numbers_of(platform, flow) | {name: wrong for name, wrong in others.items() if wrong}


def _numbers_of(platform: Platform, flow: Flow) -> dict[str, Any]:
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


def letters(platform: Platform, flow: Flow) -> list[dict[str, Any]]:
    """The dead letters of the run's events in the lake, each once."""
    prefixes = {name.partition("-")[0] for name in flow.fates.events}
    mine = " OR ".join(f"event_id LIKE '{prefix}-%'" for prefix in sorted(prefixes))
    found = platform.athena.rows(LETTERS.format(mine=mine))
    known = flow.fates.events
    return [row for row in found if row["event_id"] in known or _is_own(row, flow)]


def _is_own(row: Mapping[str, Any], flow: Flow) -> bool:
    """Whether the letter is of a generated event: of the others only some are sent again."""
    return bool(str(row["event_id"]).startswith(flow.prefix))


def refused(flow: Flow, rows: Sequence[dict[str, Any]], *, all_closed: bool) -> list[str]:
    """What is wrong with these dead letters: reasons, numbers, and bytes."""
    wrong = differences(flow.fates, rows, all_closed=all_closed)
    for row in rows:
        event = flow.fates.events.get(row["event_id"])
        if event is not None and (sent := orjson.loads(sendable(row))) != event:
            wrong.append(f"{row['id']} has the bytes of {sent}, sent was {event}")
    return wrong


def transactions(platform: Platform, flow: Flow, *, all_closed: bool) -> dict[str, Any]:
    """By tx_id the rows of the lake and the one that is right, where they differ.

    Until all keys are closed some of the auctions have none.
    """
    expected = flow.fates.transactions()
    found: dict[str, list[Any]] = {name: [] for name in expected} if all_closed else {}
    for row in platform.athena.rows(CLOSED.format(prefix=flow.prefix)):
        found.setdefault(row["tx_id"], []).append(_closed(row))
    pairs = {name: (rows, expected.get(name)) for name, rows in found.items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != [pair[1]]}


def _closed(row: Mapping[str, Any]) -> Closed:
    times = (row[name] and moment(row[name]) for name in ("bid_at", "won_at", "clicked_at"))
    numbers = (row[name] for name in ("win_price", "won", "clicked"))
    return Closed(tuple(row[name] for name in FIELDS), *numbers, *times)


def outcomes(
    flow: Flow, sums: Mapping[str, int], rows: Sequence[Mapping[str, Any]], *, all_closed: bool
) -> dict[str, Any]:
    """What the ledger says of the run and what is true, where they differ.

    A copy of a record that the platform itself has stored is `redelivered`, with a dead letter like
    any other copy. An event whose sender had no answer is there once more for each attempt at most.
    """
    reasons = Counter(row["reason"] for row in rows)
    unmatched = len(flow.fates.unmatched)
    copies = sums[LATE] + sums[DUPLICATE] + sums["redelivered"]
    checks = {
        "counted": (sums["counted"], len(flow.fates.counted)),
        "unmatched and waiting": (sums[UNMATCHED] + sums["waiting"], unmatched),
        "malformed": (sums["malformed"], 0),
        "filtered": (sums["filtered"], 0),
        "unread": (sums["unread"], 0),
        "late, duplicate and redelivered": (copies, reasons[LATE] + reasons[DUPLICATE]),
    }
    if all_closed:
        checks["waiting"] = (sums["waiting"], 0)
    wrong: dict[str, Any] = {name: pair for name, pair in checks.items() if pair[0] != pair[1]}
    limits = {
        "ok": (flow.sent, sums["ok"], flow.sent_lines),
        LATE: (0, sums[LATE], reasons[LATE]),
        DUPLICATE: (0, sums[DUPLICATE], reasons[DUPLICATE]),
    }
    return wrong | {k: limit for k, limit in limits.items() if list(limit) != sorted(limit)}


class Ledger:
    """The minutes of receipt of a run; others have sent events in the first.

    The door's clock may be wrong by some minutes.
    """

    before: dict[str, int]

    def __init__(self, settings: Settings, start: datetime) -> None:
        self._settings, self.start = settings, minute_of(start - WRONG)
        wait_until(lambda: self._settle(start), SETTLE_SECONDS, lambda: f"{self.before}")

    def _settle(self, start: datetime) -> bool:
        """Whether all that was received before has been read."""
        self.before = self.sums(start)
        return not self.before["unread"]

    def sums(self, end: datetime) -> dict[str, int]:
        """Sums over the minutes until `end`; AssertionError if one does not balance."""
        until = minute_of(end + WRONG) + timedelta(minutes=1)
        span = ("--from", self.start.isoformat(), "--to", until.isoformat())
        done = sdp(self._settings, "audit", "--use-case", "adtech", *span, "--json")
        assert not done.stderr, done.stderr
        minutes = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, f"the ledger does not balance:\n{done.stdout}"
        sums = {name: sum(m[name] for m in minutes) for name in COLUMNS}
        return sums | {name: sum(m["outcomes"][name] for m in minutes) for name in OUTCOMES}

    def now(self) -> dict[str, int]:
        """What was added since the start."""
        sums = self.sums(datetime.now(UTC))
        return {name: n - self.before[name] for name, n in sums.items()}
