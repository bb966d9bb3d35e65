"""The audit beside a run of faults: nothing may be missing, and too many for seconds alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lambdas.balance import Minute
from tests.local.faults import audit
from tests.local.faults.audit import Audit

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def minute(*, missing: int = 0, excess: int = 0) -> Minute:
    return Minute(
        use_case="x",
        minute=AT,
        ok=5,
        refused=0,
        unknown=0,
        outcomes={"counted": 5 - missing + excess},
        redelivered=0,
        read=5,
        unread=0,
        waiting=0,
        is_closed=True,
        missing=missing,
        excess=excess,
    )


class Scripted(Audit):
    """Finds one minute after the other; the last one for ever."""

    def __init__(self, *found: Minute) -> None:
        self.found, self.made_good = list(found), 0

    def _minutes(self) -> tuple[list[Minute], datetime | None]:
        return [self.found.pop(0) if len(self.found) > 1 else self.found[0]], AT


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MADE_GOOD_SECONDS", 0.1)
    monkeypatch.setattr(audit, "LOOK", 0.01)


def test_minutes_that_balance_are_counted() -> None:
    look = Scripted(minute())
    assert (look(), look.made_good) == (1, 0)


def test_a_record_that_is_missing_is_wrong_at_once() -> None:
    with pytest.raises(AssertionError, match="'missing': 2"):
        Scripted(minute(missing=2), minute())()


def test_what_the_door_could_not_write_may_be_made_good() -> None:
    look = Scripted(minute(excess=3), minute(excess=3), minute())
    assert (look(), look.made_good) == (1, 1)


def test_too_many_for_longer_are_wrong() -> None:
    with pytest.raises(AssertionError, match="'excess': 3"):
        Scripted(minute(excess=3))()


def test_what_is_made_good_with_a_record_missing_is_wrong() -> None:
    with pytest.raises(AssertionError, match="'missing': 1"):
        Scripted(minute(excess=3), minute(missing=1))()
