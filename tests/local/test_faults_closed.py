"""Minutes after the faults each auction has closed: its row, and letters of what has waited."""

from __future__ import annotations

from collections.abc import Callable

from sdpctl.settings import Settings
from tests.local.driver import Driver, wait_until
from tests.local.faults import truth
from tests.local.faults.flow import UNMATCHED, Flow, Wrong, reasons_of


def test_each_auction_that_closed_is_one_row_and_what_is_unmatched_one_letter(
    driver: Driver, settings: Settings, survived: Callable[[], list[Flow]]
) -> None:
    [flow] = survived()
    lake = truth.lake_of(settings, flow)

    def wrong() -> Wrong:
        return flow.wrong_lake(lake, all_closed=True)

    def right() -> bool:
        driver.heartbeat()
        return not wrong()

    wait_until(right, 300, lambda: f"lake and truth: {wrong()}")
    assert UNMATCHED in reasons_of(flow.letters(lake))
