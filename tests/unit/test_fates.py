"""What a run of faults compares at its end notices each dead letter and row that is not right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datagen import Generation, Settings
from sdpctl.commands.generate import generator_of
from tests.local.faults.adtech import USE_CASE
from tests.local.faults.fates import Closed, Fates, differences
from tests.local.faults.flow import DUPLICATE, LATE, UNMATCHED
from tests.unit.letters import Change, Rows, without

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
AGAIN = {"event_id": "before-bid-1", "tx_id": "before-1", "type": "bid"}
AGAIN |= {"occurred_at": "2026-03-01T09:55:00.000Z"}


@pytest.fixture(scope="module")
def fates() -> Fates:
    shape = Settings(
        3_000,
        START,
        rate=20.0,
        duplicates=0.1,
        shuffle=timedelta(seconds=2),
        late=0.02,
        unmatched=0.02,
    )
    made = Generation(USE_CASE, generator_of(USE_CASE.name), shape)
    found = Fates.of([*made], [AGAIN], START)
    found.check(made.truth())
    return found


def letters(fates: Fates) -> Iterator[dict[str, Any]]:
    """The dead letters that are expected, and no more."""
    for name in fates.events:
        for reason, (number, _) in fates.letters(name).items():
            for n in range(number + (name in fates.again)):
                yield {"id": f"{name}:{n}:{reason}", "event_id": name, "reason": reason}


def test_what_the_generator_promises_is_right(fates: Fates) -> None:
    assert differences(fates, letters(fates), all_closed=True) == []
    assert Counter(row["reason"] for row in letters(fates)).keys() == {LATE, DUPLICATE, UNMATCHED}


def test_what_is_unmatched_may_come_later_alone(fates: Fates) -> None:
    rows = [row for row in letters(fates) if row["reason"] != UNMATCHED]
    assert differences(fates, rows, all_closed=False) == []
    assert len(differences(fates, rows, all_closed=True)) == len(fates.unmatched)


def test_a_sender_without_an_answer_adds_copies(fates: Fates) -> None:
    rows = [*letters(fates)]
    more = [r | {"id": f"{r['id']}+"} for r in rows if r["reason"] != UNMATCHED]
    assert differences(fates, [*rows, *more], all_closed=True) == []


def _with(reason: str, other: str) -> Change:
    def change(rows: Rows) -> Rows:
        one = next(row for row in rows if row["reason"] == reason)
        return [*rows, one | {"id": "more", "reason": other}]

    return change


@pytest.mark.parametrize(
    "change",
    [
        without(LATE),
        without(DUPLICATE),
        without(UNMATCHED),
        _with(UNMATCHED, UNMATCHED),
        _with(LATE, DUPLICATE),
        _with(DUPLICATE, LATE),
        lambda rows: [*rows, rows[0]],
        lambda rows: [*rows, rows[0] | {"id": "other", "event_id": "unknown"}],
    ],
)
def test_a_letter_that_is_lost_changed_or_too_many_is_noticed(change: Change, fates: Fates) -> None:
    assert len(differences(fates, change([*letters(fates)]), all_closed=True)) == 1


def test_a_closed_auction_has_its_bid_and_what_followed(fates: Fates) -> None:
    rows = fates.transactions()
    kinds = Counter(event["type"] for event in fates.counted)
    assert len(rows) == kinds["bid"]
    assert sum(row.won for row in rows.values()) == kinds["imp"]
    assert sum(row.clicked for row in rows.values()) == kinds["click"]
    won = next(tx_id for tx_id, row in rows.items() if row.won)
    bid, imp = (fates.events[f"{won}-{kind}"] for kind in ("bid", "imp"))
    expected = Closed(
        tuple(bid[name] for name in ("campaign_item_id", "app_uid", "domain")) + rows[won].bid[3:],
        imp["win_price"],
        won=True,
        clicked=rows[won].clicked,
        bid_at=datetime.fromisoformat(bid["occurred_at"]),
        won_at=datetime.fromisoformat(imp["occurred_at"]),
        clicked_at=rows[won].clicked_at,
    )
    assert rows[won] == expected
