"""The made-up use case `parcels` on the running platform: its events, and what has come of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glue.instants import from_millis, parse, to_millis, to_wire
from tests.flink import pipelines
from tests.flink.pipelines import Counted, Event, Made
from tests.local.driver import Driver, wait_until

# As short as they may be, so that the last parcel closes within minutes.
PARAMETERS = {"parcels.DeliveryWindow": "PT1M", "parcels.AllowedLateness": "PT1M"}
WINDOW = LATENESS = BUCKET = timedelta(minutes=1)
DELAY = timedelta(seconds=6)  # the watermark is 5 s behind the newest event
AHEAD = timedelta(seconds=295)  # events may be dated 5 minutes ahead
SHOPS = 3


@dataclass(frozen=True)
class Parcels:
    """The steps of some parcels, in the order in which they are sent."""

    driver: Driver
    made: Made
    sent: list[Event]

    @classmethod
    def make(cls, driver: Driver, start: datetime) -> Parcels:
        """300 parcels from `start` on, with some steps missing, late or sent twice."""
        window, name = WINDOW // timedelta(milliseconds=1), f"{uuid.uuid4().hex[:6]}-"
        made = pipelines.parcels(start=to_millis(start), window_ms=window, name=name)
        own = replace(driver, prefix="sdp-parcels-")
        return cls(own, made, made.sent(seed=1)["steps"])

    @property
    def expected(self) -> Counted:
        """What must come of them, by force."""
        window = WINDOW // timedelta(milliseconds=1)
        return pipelines.count_parcels(self.made, window, bucket=BUCKET // timedelta(seconds=1))

    @property
    def _last(self) -> datetime:
        return from_millis(max(map(pipelines.at, self.sent)))

    def close(self) -> None:
        """Move event time on, in each shard, until every parcel is closed."""
        closing = self._last + WINDOW + LATENESS + DELAY
        wait_until(lambda: closing < datetime.now(UTC) + AHEAD, 120, lambda: "too far ahead")
        step = {"type": "ordered", "occurred_at": to_wire(closing), "shop": SHOPS, "price": 1}
        self.driver.send(step | {"parcel": uuid.uuid4().hex} for _ in range(40))

    def shops(self) -> dict[tuple[int, int], tuple[int, int, int]]:
        """The report: by shop and bucket, what was ordered and sent, and the turnover."""
        return {(shop, period): row for shop in range(SHOPS) for period, row in self._rows(shop)}

    def _rows(self, shop: int) -> list[tuple[int, tuple[int, int, int]]]:
        first = from_millis(min(map(pipelines.at, self.sent))) - BUCKET
        options = {"period": "MINUTES", "from": to_wire(first), "to": to_wire(self._last + BUCKET)}
        answer = self.driver.get(f"shops/{shop}/period", **options)
        rows = answer.json()["rows"] if answer.status_code == 200 else []
        return [
            (int(parse(row["period_start"]).timestamp()), counts)
            for row in rows
            if any(counts := (row["ordered"], row["sent"], row["turnover"]))
        ]

    def sendings(self) -> dict[str, dict[str, Any]]:
        """The records of parcels that were sent, by event."""
        return {row["event_id"]: row for row in self._own("sendings")}

    def unmatched(self) -> set[str]:
        """The events that are dead letters because an earlier step is missing."""
        return {row["event_id"] for row in self._own("dead-letters") if _is(row, "unmatched")}

    def others(self) -> dict[str, int]:
        """How many dead letters there are for other reasons; one written twice counts once."""
        rows = {row["id"]: row for row in self._own("dead-letters") if not _is(row, "unmatched")}
        reasons = [row["reason"] for row in rows.values()]
        return {reason: reasons.count(reason) for reason in reasons}

    def _own(self, stream: str) -> list[dict[str, Any]]:
        ids = {event["event_id"] for event in self.sent}
        return [row for row in self.driver.records(stream) if row["event_id"] in ids]


def _is(row: dict[str, Any], reason: str) -> bool:
    return bool(row["reason"] == reason)
