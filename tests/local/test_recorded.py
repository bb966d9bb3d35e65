"""A recording on the running platform, over HTTP and over MQTT: each pair found by force, once.

It is made up, in the form of those that others made; `make recording FILE=…` takes one of those.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glue.instants import to_millis
from sdpctl.settings import Settings
from tests import recordings
from tests.local.driver import Driver, wait_until
from tests.local.evolving import Whole
from tests.local.recorded import BY_WAY, Flow, counted, outcome, send
from tests.recordings import Recording

SECONDS = 240


@pytest.fixture(scope="module")
def flows(settings: Settings, whole: Whole) -> dict[str, Flow]:
    """Once all of it is acknowledged: by both ways at once, by machines of their own."""
    end = to_millis(datetime.now(UTC)) - recordings.TAIL_MS
    recording = Recording.load(None, "", "").moved(end)
    made = {way: Flow.of(f"{way}-{end:x}", recording) for way in BY_WAY}
    send(settings, made, BY_WAY, tree=whole.tree)
    return made


@pytest.mark.parametrize("way", BY_WAY)
def test_the_pairs_of_a_recording_are_those_found_by_force(
    settings: Settings, whole: Whole, flows: dict[str, Flow], way: str
) -> None:
    user: Driver = whole.driver(settings, "machines")
    found = outcome(user, flows[way], SECONDS, quiet=SECONDS)
    assert found.is_exact, str(found)
    assert found.reasons["duplicate"] > len(flows[way].events) / 10
    expected = len(flows[way].expected)
    wait_until(lambda: counted(user, flows[way]) == expected, SECONDS, lambda: f"{expected} pairs")
