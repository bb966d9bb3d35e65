"""Faults at random moments while events flow: nothing is lost and nothing is counted twice.

`SDP_SEED=7` is another run. The long form, on a platform of its own, is `make faults`. What closes
minutes later is compared by test_faults_closed.py.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.local.faults.flow import Flow


def test_nothing_is_lost_or_counted_twice_whatever_dies(survived: Callable[[], list[Flow]]) -> None:
    assert all(flow.events for flow in survived())
