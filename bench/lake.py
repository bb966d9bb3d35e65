"""Do the lake and the reports say the same, and is it the truth? Generated events end to end.

    .venv/dev/bin/python -m bench.lake --events 200000

Needs a running platform (`make up`). Sends ad-tech events through the public API, some of them
twice and all shuffled, and asks Athena for counts and sums by campaign until they equal the
truth; then the aggregates in the lake must equal the reports. Prints PASS with the figures, or
what differs and ends with 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson

import usecases
from bench import deployed
from datagen import Generation
from datagen import Settings as Shape
from infra.topology import Topology
from sdpctl.clock import now
from sdpctl.commands.generate import generator_of
from sdpctl.demo import fetch
from sdpctl.local import aws
from sdpctl.local.delivery.kinesis import THROTTLED, Kinesis, KinesisError, Page
from sdpctl.local.outputs import Outputs
from sdpctl.sending import Sender, Tally, send_all
from sdpctl.settings import Settings
from sdpctl.sql.athena import Athena

PAGE = 5_000
WITHIN = 120.0  # seconds from the last event sent until the lake shows all of them
USE_CASE = usecases.load().use_case("adtech")
REPORT = USE_CASE.reports[0]

Answer = dict[Any, tuple[int, ...]]  # by the first column

EVENTS = """
SELECT "type", count(DISTINCT event_id) AS events
FROM parquet_bcns WHERE tx_id LIKE '{run}-%' GROUP BY "type"
"""
HELD = """
SELECT "type", count(*) AS held
FROM parquet_bcns WHERE tx_id LIKE '{run}-%' GROUP BY "type"
"""
BIDS = """
SELECT campaign_item_id, count(DISTINCT event_id) AS bids
FROM parquet_bcns WHERE tx_id LIKE '{run}-%' AND "type" = 'bid' GROUP BY campaign_item_id
"""
IMPRESSIONS = """
SELECT campaign_item_id, count(*) AS impressions, sum(win_price) AS spend
FROM parquet_impressions WHERE tx_id LIKE '{run}-%' GROUP BY campaign_item_id
"""
CLICKS = """
SELECT campaign_item_id, count(*) AS clicks
FROM parquet_clicks WHERE tx_id LIKE '{run}-%' GROUP BY campaign_item_id
"""
AGGREGATES = """
SELECT campaign_item_id, sum(bids) AS bids, sum(impressions) AS impressions,
  sum(clicks) AS clicks, sum(spend) AS spend
FROM (
  SELECT campaign_item_id, bids, impressions, clicks, spend, row_number() OVER (
    PARTITION BY campaign_item_id, period ORDER BY generation DESC, version DESC) AS place
  FROM parquet_aggregates)
WHERE place = 1 GROUP BY campaign_item_id
"""


@dataclass(frozen=True)
class Platform:
    """A running platform: its APIs and its lake."""

    found: Outputs
    athena: Athena
    kinesis: Kinesis
    stream: str

    @classmethod
    def of(cls, settings: Settings) -> Platform:
        """The one of these settings."""
        found = deployed.platform(settings)
        topology = Topology(settings.prefix, usecases.load())
        client = aws.client(settings, "athena")
        names = topology.workgroup(USE_CASE.name), topology.database(USE_CASE.name)
        athena = Athena(client, *names, time.sleep)
        return cls(found, athena, Kinesis(settings), topology.event_streams[0].name)

    def ask(self, sql: str) -> Answer:
        """The rows by their first column."""
        pages = self.athena.pages(self.athena.run(sql))
        return {row[0]: tuple(map(int, row[1:])) for _, rows in pages for row in rows}

    def sent_since(self, since: datetime) -> Iterator[dict[str, Any]]:
        """The events that the stream holds and that arrived since then; left out what is no JSON.

        Each as often as it is there: a client that had no answer sends again.
        """
        for shard in self.kinesis.shards(self.stream):
            iterator: str | None = self.kinesis.at_time(self.stream, shard, since)
            while iterator:
                page = self._page(iterator)
                for record in page.records:
                    with suppress(orjson.JSONDecodeError):
                        yield orjson.loads(record.data)
                iterator = page.following if page.behind else None

    def _page(self, iterator: str) -> Page:
        """The next records; again where the shard has served its five reads of the second."""
        while True:
            try:
                return self.kinesis.page(iterator, PAGE)
            except KinesisError as error:
                if error.code != THROTTLED:
                    raise
            time.sleep(0.5)

    def http(self) -> httpx.Client:
        """A client with the key."""
        return httpx.Client(headers={"x-api-key": self.found.api_key}, timeout=60)


@dataclass
class Flow:
    """One run: events that end now, and what is to be found of them."""

    events: int
    present: datetime
    rate: float = 1000.0
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        """Generate; the events of a run have its prefix in their tx_id."""
        span = timedelta(seconds=self.events / self.rate)
        shape = Shape(
            events=self.events,
            start=self.present - span,
            seed=int(self.present.timestamp()),
            rate=self.rate,
            duplicates=0.05,
            shuffle=timedelta(seconds=2),
        )
        made = Generation(USE_CASE, generator_of(USE_CASE.name), shape)
        self.lines = [orjson.dumps(event) for event in made]
        self.truth = made.truth()
        self.run = f"{shape.start_ms:x}-{shape.seed}"

    def send(
        self, platform: Platform, progress: Callable[[Tally], object] = lambda _: None
    ) -> float:
        """All events through the public API; the seconds it took."""
        began = time.monotonic()
        with platform.http() as client:
            sender = Sender(client, f"{platform.found.url_for_api}/events")
            self.tally = send_all(sender, self.lines, workers=4, rate=None, progress=progress)
        if self.tally.rejected:
            raise SystemExit(f"{self.tally.rejected} events were rejected: {self.tally.shown}")
        if self.tally.unanswered:
            raise SystemExit(f"{self.tally.unanswered} had no answer: {self.tally.cause}")
        return time.monotonic() - began

    def expected(self) -> dict[str, Answer]:
        """What Athena is to answer to each question about this run."""
        rows = {int(key): row for key, row in self.truth["reports"][REPORT.path].items()}
        kinds = self.truth["outcomes"].items()
        return {
            EVENTS: {kind: (outcome["matched"],) for kind, outcome in kinds},
            BIDS: {key: (row["bids"],) for key, row in rows.items()},
            IMPRESSIONS: {
                key: (row["impressions"], row["spend"])
                for key, row in rows.items()
                if row["impressions"]
            },
            CLICKS: {key: (row["clicks"],) for key, row in rows.items() if row["clicks"]},
        }

    def differences(self, platform: Platform) -> dict[str, Any]:
        """By question, what Athena answers now and what it should; empty when all is there."""
        found = {ask: platform.ask(ask.format(run=self.run)) for ask in self.expected()}
        wrong = {ask: (found[ask], want) for ask, want in self.expected().items()}
        return {ask: pair for ask, pair in wrong.items() if pair[0] != pair[1]}

    def miscounted(self, platform: Platform) -> dict[str, Any]:
        """Types of which the lake does not hold as many rows as the stream holds records."""
        held = Counter(
            event["type"]
            for event in platform.sent_since(self.present - timedelta(minutes=1))
            if event.get("tx_id", "").startswith(f"{self.run}-")
        )
        lake = platform.ask(HELD.format(run=self.run))
        return {kind: (lake.get(kind), n) for kind, n in held.items() if lake.get(kind) != (n,)}

    def unequal(self, platform: Platform) -> dict[int, Any]:
        """Campaigns whose newest aggregates in the lake are not what the report says."""
        keys = list(self.truth["reports"][REPORT.path])
        with platform.http() as client:
            reports = fetch(client, platform.found, REPORT, keys)
        lake = platform.ask(AGGREGATES)
        names = ("bids", "impressions", "clicks", "spend")
        shown = {int(key): tuple(row[name] for name in names) for key, row in reports.items()}
        return {k: (lake.get(k), row) for k, row in shown.items() if lake.get(k) != row}


def until_empty(look: Callable[[], dict[Any, Any]], seconds: float) -> float:
    """Look again and again until nothing is wrong; the seconds it took; raises SystemExit."""
    began = time.monotonic()
    while wrong := look():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"FAIL after {seconds:.0f} s, found and expected: {wrong}")
        time.sleep(1)
    return time.monotonic() - began


def main() -> None:
    """Print PASS and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="distinct events to send")
    options = parser.parse_args()
    platform = Platform.of(Settings.load())
    flow = Flow(options.events, now())
    took = flow.send(platform)
    _say(f"{len(flow.lines):,} events sent in {took:.0f} s: {len(flow.lines) / took:,.0f} a second")
    began = time.monotonic()
    seen = until_empty(lambda: flow.differences(platform), WITHIN)
    _say(
        f"bcns, impressions and clicks in Athena equal the truth {seen:.0f} s after the last event"
    )
    until_empty(lambda: flow.miscounted(platform), WITHIN)
    until_empty(lambda: flow.unequal(platform), WITHIN)
    _say(f"aggregates in Athena equal the reports {time.monotonic() - began:.0f} s after it")
    for name, measures in flow.truth["outcomes"].items():
        _say(f"  {name:6} {measures['matched']:>9,} counted {measures['duplicate']:>9,} repeated")
    _say(f"  {flow.tally.retries} batches were sent again; every copy in the stream is one row")
    _say("PASS")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
