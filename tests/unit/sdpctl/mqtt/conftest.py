"""A broker, and what it asks and stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.sdpctl.mqtt.brokers import FakeDoor, running


@pytest.fixture
def door() -> FakeDoor:
    """What the broker asks, and what it has stored."""
    return FakeDoor()


@pytest.fixture
def port(door: FakeDoor) -> Iterator[int]:
    """A running broker's."""
    with running(door) as found:
        yield found
