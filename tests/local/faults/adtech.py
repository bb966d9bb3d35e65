"""Generated auctions in a run of faults, with campaigns of their own, and earlier ones again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

import usecases
from bench.lake import AGGREGATES
from datagen import Generation, Occurrence
from datagen import Settings as Shape
from glue.parameters import parse_duration
from lambdas.replaying import sendable
from sdpctl.commands.generate import generator_of
from sdpctl.sql.athena import Athena
from tests.local.driver import Auctions, Driver, Event, auctions, wait_until
from tests.local.faults.fates import FIELDS, Closed, Fates, differences
from tests.local.faults.flow import (
    DUPLICATE,
    LATE,
    UNMATCHED,
    Course,
    Flow,
    Row,
    Wrong,
    beyond,
    moment,
    reasons_of,
    unequal,
)
from tests.local.parameters import PARAMETERS

USE_CASE = usecases.load().use_case("adtech")
REPORT = USE_CASE.reports[0]
RATE = 20.0  # distinct events a second
TO_BE_SENT = timedelta(seconds=30)  # in which an event that is almost late is read
AMONG = 4  # campaigns of the run that are looked at before the earlier one is again
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


def counted_before(driver: Driver) -> Auctions:
    """Auctions that are counted, so old that they are almost late: their row is soon final."""
    age = parse_duration(PARAMETERS["AllowedLateness"]) - TO_BE_SENT
    made = auctions(60, at=datetime.now(UTC) - age)
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)
    return made


def await_final(driver: Driver, earlier: Auctions, seconds: float) -> None:
    """Wait until their row is final; AssertionError if it does not become so."""

    def is_final() -> bool:
        found = _rows(driver, earlier)
        if found and all(row["final"] for row in found):
            return True
        driver.heartbeat()
        return False

    wait_until(is_final, seconds, lambda: f"not final: {_rows(driver, earlier)}")


def _rows(driver: Driver, earlier: Auctions) -> list[Row]:
    """None while nothing of them is counted: the campaign is unknown."""
    answer = driver.get(f"{REPORT.path}/{earlier.campaign}/period", period="MINUTES")
    rows: list[Row] = answer.json()["rows"] if answer.status_code == 200 else []
    return rows


class _OwnCampaigns:
    """The generator of the use case, with campaigns that no other run has."""

    def __init__(self) -> None:
        self.base = auctions(0).campaign * 1_000
        self._numbers: dict[int, int] = {}

    def occurrences(self, settings: Shape) -> Iterator[Occurrence]:
        for made in generator_of(USE_CASE.name).occurrences(settings):
            event, name = made.event, REPORT.key
            if name in event:
                event = {**event, name: self._own(event[name])}
            added = tuple((path, self._own(key), sums) for path, key, sums in made.contributions)
            yield made._replace(event=event, contributions=added)

    def _own(self, campaign: Any) -> int:
        return self._numbers.setdefault(campaign, self.base + len(self._numbers))


class AdTech(Flow):
    """Auctions of a run, between them most of those that were counted before it."""

    use_case = USE_CASE
    counted = ("bids", "impressions", "clicks")

    def __init__(self, course: Course) -> None:
        shape = course.shape(RATE)
        made = Generation(USE_CASE, _OwnCampaigns(), shape)
        self.prefix, self.earlier = f"{shape.start_ms:x}-{shape.seed}-", course.earlier
        events, random = list(made), Random(f"again {shape.seed}")
        self.truth = made.truth()
        again = _again(course.earlier)
        self.fates = Fates.of(events, again, course.start)
        self.fates.check(self.truth)
        for event in again:
            events.insert(random.randint(0, len(events)), event)
        self.events = events

    @property
    def watched(self) -> list[Any]:
        """The earlier campaign after every few others: its row is the one that is final."""
        own = super().watched
        groups = (own[n : n + AMONG] for n in range(0, len(own), AMONG))
        return [key for group in groups for key in (*group, self.earlier.campaign)]

    def wrong_reports(self, driver: Driver) -> Wrong:
        """Of the earlier campaign, too."""
        wrong = super().wrong_reports(driver)
        found = driver.totals(self.earlier.campaign)
        if found != self.earlier.expected:
            wrong["earlier"] = (found, self.earlier.expected)
        return wrong

    def wrong_lake(self, lake: Athena, *, all_closed: bool) -> Wrong:
        """Numbers by campaign, dead letters and auctions."""
        others = {
            "dead letters": self._wrong_letters(self.letters(lake), all_closed=all_closed),
            "transactions": self._wrong_transactions(lake, all_closed=all_closed),
        }
        return self._wrong_numbers(lake) | {name: wrong for name, wrong in others.items() if wrong}

    def letters(self, lake: Athena) -> list[Row]:
        """Of the others only some are sent again."""
        prefixes = {name.partition("-")[0] for name in self.fates.events}
        mine = " OR ".join(f"event_id LIKE '{prefix}-%'" for prefix in sorted(prefixes))
        found, known = lake.rows(LETTERS.format(mine=mine)), self.fates.events
        own = self.prefix
        return [r for r in found if r["event_id"] in known or str(r["event_id"]).startswith(own)]

    def miscounted(
        self, sums: Mapping[str, int], rows: Sequence[Row], attempts: int, *, all_closed: bool
    ) -> Wrong:
        """A copy of a record that the platform itself has stored is `redelivered`.

        It has a dead letter like any other copy. An event whose sender had no answer is there once
        more for each attempt at most.
        """
        reasons = reasons_of(rows)
        unmatched = len(self.fates.unmatched)
        copies = sums[LATE] + sums[DUPLICATE] + sums["redelivered"]
        checks = {
            "counted": (sums["counted"], len(self.fates.counted)),
            "unmatched and waiting": (sums[UNMATCHED] + sums["waiting"], unmatched),
            "malformed": (sums["malformed"], 0),
            "filtered": (sums["filtered"], 0),
            "unread": (sums["unread"], 0),
            "late, duplicate and redelivered": (copies, reasons[LATE] + reasons[DUPLICATE]),
        }
        if all_closed:
            checks["waiting"] = (sums["waiting"], 0)
        limits = {
            "ok": (len(self.events), sums["ok"], attempts),
            LATE: (0, sums[LATE], reasons[LATE]),
            DUPLICATE: (0, sums[DUPLICATE], reasons[DUPLICATE]),
        }
        return unequal(checks) | beyond(limits)

    def _wrong_numbers(self, lake: Athena) -> Wrong:
        truth = self.truth
        rows = {int(key): row for key, row in truth["reports"][REPORT.path].items()}
        all_events = EVENTS.format(prefix=self.prefix)
        expected: dict[str, Any] = {
            all_events: {truth["distinct"]: (truth["distinct"],)},
            AGGREGATES: {
                key: tuple(row[column.name] for column in REPORT.measures)
                for key, row in rows.items()
            },
        }
        for table, name in (("parquet_impressions", "impressions"), ("parquet_clicks", "clicks")):
            ask = ENRICHED.format(table=table, prefix=self.prefix)
            expected[ask] = {key: (row[name],) for key, row in rows.items() if row[name]}
        found = {ask: _ask(lake, ask) for ask in expected}
        found[AGGREGATES] = {k: row for k, row in found[AGGREGATES].items() if k in rows}
        return {ask: (found[ask], want) for ask, want in expected.items() if found[ask] != want}

    def _wrong_letters(self, rows: Sequence[Row], *, all_closed: bool) -> list[str]:
        """What is wrong with these dead letters: reasons, numbers, and bytes."""
        wrong = differences(self.fates, rows, all_closed=all_closed)
        for row in rows:
            event = self.fates.events.get(row["event_id"])
            if event is not None and (sent := orjson.loads(sendable(row))) != event:
                wrong.append(f"{row['id']} has the bytes of {sent}, sent was {event}")
        return wrong

    def _wrong_transactions(self, lake: Athena, *, all_closed: bool) -> Wrong:
        """By tx_id the rows of the lake and the one that is right, where they differ.

        Until all keys are closed some of the auctions have none.
        """
        expected = self.fates.transactions()
        found: dict[str, list[Any]] = {name: [] for name in expected} if all_closed else {}
        for row in lake.rows(CLOSED.format(prefix=self.prefix)):
            found.setdefault(row["tx_id"], []).append(_closed(row))
        pairs = {name: (rows, expected.get(name)) for name, rows in found.items()}
        return {name: pair for name, pair in pairs.items() if pair[0] != [pair[1]]}


def _again(earlier: Auctions) -> list[Event]:
    """Not of the first auctions: other tests look for the copies that there are of these."""
    kept = {bid["tx_id"] for bid in earlier.bids[:10]}
    return [event for event in earlier.events if event["tx_id"] not in kept]


def _ask(lake: Athena, sql: str) -> dict[Any, tuple[int, ...]]:
    """The rows by their first column."""
    pages = lake.pages(lake.run(sql))
    return {row[0]: tuple(map(int, row[1:])) for _, rows in pages for row in rows}


def _closed(row: Mapping[str, Any]) -> Closed:
    times = (row[name] and moment(row[name]) for name in ("bid_at", "won_at", "clicked_at"))
    numbers = (row[name] for name in ("win_price", "won", "clicked"))
    return Closed(tuple(row[name] for name in FIELDS), *numbers, *times)
