"""What a range needs, and which ranges are refused."""

from datetime import datetime

import pytest

from glue.instants import EPOCH
from sdpctl.backfill.plan import Span, computable_through, parse_bound, plan, require_final
from sdpctl.errors import CommandError
from usecases.adtech import USE_CASE
from usecases.machines import USE_CASE as MACHINES
from usecases.shopping import USE_CASE as SHOPPING

PARAMETERS = USE_CASE.configured({"CorrelationWindow": "PT1H", "AllowedLateness": "PT2H"})


def at(text: str) -> datetime:
    """That time of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}+00:00")


DAY = Span(at("20T00:00"), at("21T00:00"))


def test_records_are_read_as_far_as_they_can_decide_a_bucket() -> None:
    made = plan(DAY, PARAMETERS)
    assert made.events == Span(at("19T20:00"), at("21T01:00"))


def test_hours_of_delivery_reach_from_the_first_record_to_the_last_that_was_not_late() -> None:
    """Five minutes ahead of its time at the least, lateness and an hour behind it at the most."""
    made = plan(DAY, PARAMETERS)
    assert made.arrivals == Span(at("19T19:00"), at("21T05:00"))
    assert made.letters == Span(at("19T19:00"), at("28T05:00"))
    assert made.settled == at("21T03:00")


def test_what_is_remembered_may_be_of_any_earlier_record() -> None:
    """An opening balance, or a profile; nothing behind the range decides."""
    made = plan(DAY, SHOPPING.configured({}), remembers=SHOPPING.remembers)
    assert made.events == Span(EPOCH, at("21T00:00"))
    assert made.settled == at("21T00:00")
    assert made.depends_on == "all with event times before 2026-11-21T00:00:00.000Z"
    assert not USE_CASE.remembers
    assert not MACHINES.remembers


def test_what_pairs_are_made_of_is_read_as_far_as_they_reach() -> None:
    """A pair counts at the mean of its times, and lasts until the next sample."""
    parameters = MACHINES.configured({"MaxDistance": "PT10M"})
    made = plan(DAY, parameters)
    assert made.events == Span(at("19T23:40"), at("21T00:20"))
    assert made.settled == at("21T00:20")
    assert computable_through(at("21T00:20"), parameters.reach) == at("21T00:00")
    assert computable_through(None, parameters.reach) is None


def test_a_day_or_an_instant_bounds_a_range() -> None:
    assert parse_bound("--from", "2026-11-21") == at("21T00:00")
    assert parse_bound("--from", "2026-11-21T12:00:00+02:00") == at("21T10:00")
    with pytest.raises(CommandError, match=r"--to '21\.11\.': .*RFC 3339.*or a day"):
        parse_bound("--to", "21.11.")


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        (
            "20T00:00",
            "20T00:00",
            r"--from 2026-11-20T00:00:00\.000Z: must be before --to, which is",
        ),
        ("20T00:01", "21T00:00", "--from 2026-11-20T00:01:00.000Z: not a bucket boundary"),
        ("20T00:00", "20T00:07", r"buckets last PT5M .* Choose 2026-11-20T00:05:.* or .*T00:10:"),
    ],
)
def test_a_range_is_one_of_whole_buckets(start: str, end: str, wrong: str) -> None:
    with pytest.raises(CommandError, match=wrong):
        plan(Span(at(start), at(end)), PARAMETERS)


def test_a_range_that_can_still_change_is_refused() -> None:
    period = PARAMETERS.aggregation_period
    require_final(DAY, at("21T00:00"), period)
    with pytest.raises(CommandError, match="complete_through is 2026-11-20T23:59:59") as error:
        require_final(DAY, at("20T23:59:59"), period)
    assert "Choose --to 2026-11-20T23:55:00.000Z or" in str(error.value)
    with pytest.raises(
        CommandError, match=r"--from 2026-11-20T00:00.* Choose a .* 2026-11-19T23:55"
    ):
        require_final(DAY, at("19T23:58"), period)
    with pytest.raises(CommandError, match=r"--to .*: it is not known yet .* ./sdp status"):
        require_final(DAY, None, period)
