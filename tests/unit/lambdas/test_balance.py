"""When a minute balances, and when it cannot any more."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from glue.ledger import OUTCOMES
from glue.limits import AHEAD, CLOCKS_DIFFER
from lambdas.balance import IN_FLIGHT, TOGETHER, Limits, Minute, minutes
from lambdas.ports.ledger import Receipts
from usecases import load

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
SPAN = (AT, AT + timedelta(hours=1))
LIMITS = Limits(timedelta(minutes=6), timedelta(minutes=10))
END = AT + timedelta(minutes=1)
EARLY, READ, CLOSED = END, END + LIMITS.read, END + LIMITS.closed


@dataclass
class Both:
    """Both sides in memory."""

    receipts: list[Receipts] = field(default_factory=list)
    counts: dict[datetime, dict[str, int]] = field(default_factory=dict)

    def door(self, use_case: str, start: datetime, end: datetime) -> list[Receipts]:
        return self.receipts

    def outcomes(
        self, use_case: str, start: datetime, end: datetime
    ) -> dict[datetime, dict[str, int]]:
        return self.counts


def of(ok: int, watermark: datetime | None, unknown: int = 0, **counts: int) -> Minute:
    both = Both([Receipts("x", AT, "a", ok=ok, unknown=unknown)], {AT: counts})
    (minute,) = minutes(both, "x", SPAN, watermark, LIMITS)
    return minute


def test_what_is_not_read_is_open_until_every_shard_was_read_past_it() -> None:
    early, late = of(5, EARLY, read=3, counted=3), of(5, READ, read=3, counted=3)
    assert (early.unread, early.balances) == (2, True)
    assert (late.unread, late.missing, late.balances) == (0, 2, False)


def test_an_answer_without_an_offer_is_open_as_long_as_one_can_come() -> None:
    """An acceptance dated ahead waits from its own time on, in an operator behind a clock."""
    shopping = load(("shopping",)).use_case("shopping")
    own = shopping.configured({"AnswerWindow": "PT2H", "WatermarkDelay": "PT10M"})
    dated = END + AHEAD + CLOCKS_DIFFER
    decided = dated + timedelta(hours=2, minutes=10, milliseconds=1)
    reached = decided + AHEAD + CLOCKS_DIFFER  # by the patterns, when the offers' operator decides
    limits = Limits.of(own)
    assert reached < END + limits.closed < reached + 2 * TOGETHER + IN_FLIGHT
    assert limits.read == Limits.of(shopping.configured({})).read


def test_nothing_waits_for_answers_where_there_are_none() -> None:
    own = load(("adtech",)).use_case("adtech").configured({})
    limits, hour = Limits.of(own), timedelta(hours=1)
    assert limits.closed == limits.read + 3 * hour + TOGETHER


def test_what_waits_is_open_until_nothing_can_decide_it() -> None:
    waiting, over = of(5, READ, read=5, counted=3), of(5, CLOSED, read=5, counted=3)
    assert (waiting.waiting, waiting.open, waiting.balances) == (2, 2, True)
    assert (over.is_closed, over.missing, over.balances) == (True, 2, False)


def test_a_record_that_was_counted_twice_shows_at_once() -> None:
    minute = of(5, EARLY, read=6, counted=5, duplicate=1)
    assert (minute.excess, minute.balances) == (1, False)


def test_a_copy_of_our_own_is_no_outcome() -> None:
    assert of(5, CLOSED, read=6, counted=5, redelivered=1).balances


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_what_is_unknown_may_be_stored_or_not(stored: int) -> None:
    assert of(3, CLOSED, unknown=2, read=3 + stored, counted=3 + stored).balances


@pytest.mark.parametrize("counted", [2, 6])
def test_what_is_unknown_explains_no_more_than_itself(counted: int) -> None:
    assert not of(3, CLOSED, unknown=2, read=counted, counted=counted).balances


def test_a_function_that_ended_in_its_call_leaves_its_records_unknown() -> None:
    both = Both([Receipts("x", AT, "a", ok=2), Receipts("x", AT, "b", pending=3)])
    for counted in (2, 4, 5):
        both.counts = {AT: {"read": counted, "counted": counted}}
        (minute,) = minutes(both, "x", SPAN, CLOSED, LIMITS)
        assert (minute.ok, minute.unknown, minute.balances) == (2, 3, True)


def test_outcomes_of_what_nobody_received_are_too_many() -> None:
    (minute,) = minutes(Both(counts={AT: {"read": 1, "late": 1}}), "x", SPAN, None, LIMITS)
    assert (minute.excess, minute.balances) == (1, False)


def test_without_a_watermark_everything_is_open() -> None:
    assert of(5, None).open == 5


def test_every_moment_of_a_run_without_a_fault_balances_and_every_fault_is_found() -> None:
    """A stream is read record by record, with copies of our own; then one outcome is left out."""
    random = Random(7)
    for _ in range(300):
        ok, unknown = random.randrange(1, 6), random.randrange(3)
        stored = ok + random.randrange(unknown + 1)
        copies = random.randrange(stored + 1)
        steps = ["read"] * (stored + copies) + ["redelivered"] * copies
        counts = dict.fromkeys(("read", "redelivered", *OUTCOMES), 0)
        for step in steps:  # all read before any is decided: the most that can be open
            counts[step] += 1
            assert of(ok, EARLY, unknown, **counts).balances
        for _ in range(stored):
            assert of(ok, READ, unknown, **counts).balances
            counts[random.choice(OUTCOMES)] += 1
        assert of(ok, CLOSED, unknown, **counts).balances
        lost = next(name for name in OUTCOMES if counts[name])
        for _ in range(stored - ok + 1):
            name = next(name for name in (lost, *OUTCOMES) if counts[name])
            counts[name] -= 1
        assert of(ok, CLOSED, unknown, **counts).missing == 1
