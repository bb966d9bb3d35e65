"""The reports of a run, computed again from the streams, in which faults have left their marks."""

from __future__ import annotations

import re

from glue.instants import parse, to_wire
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver, wait_until
from tests.local.faults.flow import PERIOD, Flow

SECONDS = 300.0
"""Until the minutes of the last events are final."""
NOT_YET = "range is not final"


def unchanged(settings: Settings, driver: Driver, flow: Flow) -> int:
    """How many buckets a replay of all minutes of the events computes as they are stored.

    Raises AssertionError with what would change.
    """
    times = [parse(event["occurred_at"]) for event in flow.events]
    start, last = (t.replace(second=0, microsecond=0) for t in (min(times), max(times)))
    bounds = ("--from", to_wire(start), "--to", to_wire(last + PERIOD))
    said = ""

    def is_computed() -> bool:
        nonlocal said
        done = sdp(settings, "replay", "--dry-run", "--use-case", flow.name, *bounds)
        if NOT_YET in done.stderr:
            driver.heartbeat()
            return False
        assert not done.returncode, f"{flow.name}: {done.stdout}{done.stderr}"
        said = done.stdout
        return True

    wait_until(is_computed, SECONDS, lambda: f"{bounds} of {flow.name} is not final")
    found = re.search(r"([\d,]+) buckets are equal, 0 differ", said)
    equal = int(found[1].replace(",", "")) if found else 0
    span = range(int(start.timestamp()), int((last + PERIOD).timestamp()))
    least = sum(row[flow.report.period] in span for row in flow.minutes(flow.report))
    assert equal >= least > 0, f"{flow.name}: {equal} of {least} buckets were compared: {said}"
    return equal
