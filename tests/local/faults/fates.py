"""What becomes of each event of auctions in a run, worked out from the events alone.

Beside the totals of the generator: for each event whether it is counted, what dead letters it has,
and the row of its auction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.local.driver import Event
from tests.local.faults.flow import DUPLICATE, LATE, UNMATCHED, moment

LATE_BY = timedelta(hours=1)  # generated events that are late are later than this
FIELDS = (
    "campaign_item_id",
    "app_uid",
    "domain",
    "creative_id",
    "creative_category",
)


class Closed(NamedTuple):
    """A row of `transactions`, and of the training table: what was bid, and what became of it."""

    bid: tuple[Any, ...]
    win_price: int
    won: bool
    clicked: bool
    bid_at: datetime
    won_at: datetime | None
    clicked_at: datetime | None


@dataclass(frozen=True)
class Fates:
    """The events of a run by id, how often each is sent, and what is not counted.

    `again` were counted before the run: whether their copies are late or duplicates, depends on
    when they arrive.
    """

    events: Mapping[str, Event]
    copies: Counter[str]
    late: frozenset[str]
    unmatched: frozenset[str]
    again: frozenset[str]

    @classmethod
    def of(cls, events: Sequence[Event], again: Sequence[Event], start: datetime) -> Fates:
        """Of generated events with their copies, which begin at `start`."""
        by_id = {event["event_id"]: event for event in [*events, *again]}
        late = {e["event_id"] for e in events if moment(e["occurred_at"]) < start - LATE_BY}
        bids = {e["tx_id"] for e in events if e["type"] == "bid"}
        return cls(
            by_id,
            Counter(event["event_id"] for event in [*events, *again]),
            frozenset(late),
            frozenset(e["event_id"] for e in events if e["tx_id"] not in bids),
            frozenset(event["event_id"] for event in again),
        )

    @property
    def counted(self) -> list[Event]:
        """Those that are counted in this run, once each."""
        others = self.late | self.unmatched | self.again
        return [event for name, event in self.events.items() if name not in others]

    def check(self, truth: Mapping[str, Any]) -> None:
        """Raise AssertionError unless the generator counts the same."""
        outcomes = truth["outcomes"].values()
        sums = {name: sum(o[name] for o in outcomes) for name in ("matched", LATE, UNMATCHED)}
        late = sum(self.copies[name] for name in self.late)
        own = {"matched": len(self.counted), LATE: late, UNMATCHED: len(self.unmatched)}
        assert own == sums, f"fates {own}, generator {sums}"

    def letters(self, name: str) -> dict[str, tuple[int, bool]]:
        """Of an event, by reason: the least number of its dead letters, and whether more may be.

        There are more where the sender had no answer and has sent the event again.
        """
        copies = self.copies[name]
        if name in self.late:
            return {LATE: (copies, True)}
        if name in self.unmatched:
            return {UNMATCHED: (1, False), DUPLICATE: (copies - 1, True)}
        return {DUPLICATE: (copies - 1, True)}

    def transactions(self) -> dict[str, Closed]:
        """By tx_id the row of each auction, once its key is closed."""
        steps: dict[str, dict[str, Event]] = {}
        for event in self.counted:
            steps.setdefault(event["tx_id"], {})[event["type"]] = event
        return {tx_id: _closed(**of_key) for tx_id, of_key in steps.items()}


def _closed(bid: Event, imp: Event | None = None, click: Event | None = None) -> Closed:
    return Closed(
        tuple(bid[name] for name in FIELDS),
        (imp or bid)["win_price"],
        imp is not None,
        click is not None,
        moment(bid["occurred_at"]),
        moment(imp["occurred_at"]) if imp else None,
        moment(click["occurred_at"]) if click else None,
    )


def differences(fates: Fates, rows: Iterable[Mapping[str, Any]], *, all_closed: bool) -> list[str]:
    """What is wrong with the distinct dead letters of the run's events.

    Until all keys are closed some of the unmatched have none.
    """
    found: dict[str, Counter[str]] = {name: Counter() for name in fates.events}
    wrong, ids = [], Counter[str]()
    for row in rows:
        ids[row["id"]] += 1
        if row["event_id"] not in found:
            wrong.append(f"of no event of the run: {row}")
        else:
            found[row["event_id"]][row["reason"]] += 1
    wrong += [
        f"{number} different ones with the id {name}" for name, number in ids.items() if number > 1
    ]
    for name, reasons in found.items():
        if not _fits(fates, name, reasons, all_closed):
            wrong.append(f"{name}: {dict(reasons)}, sent {fates.copies[name]} times")
    return wrong


def _fits(fates: Fates, name: str, reasons: Counter[str], all_closed: bool) -> bool:
    if name in fates.again:
        return set(reasons) <= {LATE, DUPLICATE} and reasons.total() >= fates.copies[name]
    expected = fates.letters(name)
    if not set(reasons) <= set(expected):
        return False
    for reason, (least, is_open) in expected.items():
        number = reasons[reason]
        if reason == UNMATCHED and not all_closed:
            least = min(least, number)
        if number < least or (number > least and not is_open):
            return False
    return True
