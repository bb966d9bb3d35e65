"""What `make demo` deploys, and what goes on when it has ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psutil
import pytest

from infra.topology import Topology
from sdpctl import demo_chain, demo_live
from sdpctl.local import demonstration, platform
from sdpctl.local.outputs import Outputs
from sdpctl.local.processes import free_port
from sdpctl.local.status import components
from sdpctl.settings import PORTS, Settings
from tests.unit.sdpctl.mqtt.brokers import KEY, FakeDoor, running
from usecases import load
from usecases.machines import live

End = Callable[[Settings, platform.Steps], None]
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_the_demo_deploys_the_default_use_case_and_those_that_it_shows() -> None:
    assert demo_chain.use_cases() == ("adtech", "shopping", "machines")


class Time:
    """Time that goes on when somebody waits."""

    def __init__(self) -> None:
        self.present, self.waits = AT, list[float]()

    def now(self) -> datetime:
        """The present."""
        return self.present

    def wait(self, seconds: float) -> None:
        """Go on."""
        self.waits.append(seconds)
        self.present += timedelta(seconds=seconds)


def test_an_event_is_sent_when_its_time_has_come_and_none_at_the_end_or_after_it() -> None:
    time = Time()
    end = AT + timedelta(seconds=2)
    sent = [json.loads(line) for line in demo_live.due(live.events(AT), end, time.now, time.wait)]
    assert len(sent) == 4 * len(live.KEYS)
    assert time.waits == [0.5] * 3
    assert sent[-1]["occurred_at"] == "2026-11-21T10:00:01.500Z"


def test_each_machine_measures_both_quantities_at_times_of_their_own() -> None:
    made = list(islice(live.events(AT), 360))
    assert {e["thing"] for e in made} == set(live.KEYS)
    for thing in live.KEYS:
        own = [e for e in made if e["thing"] == thing]
        assert {e["quantity"] for e in own} == {"speed", "torque"}
        assert len({e["occurred_at"] for e in own}) == len(own) == 120
        assert len({e["result"] for e in own}) > 50  # it moves


def test_what_goes_on_is_published_over_mqtt() -> None:
    door, time = FakeDoor(), Time()
    with running(door) as port:
        live_ = demo_live.deployed(outputs(f"mqtt://127.0.0.1:{port}"))
        assert live_ is not None
        live_.send(timedelta(seconds=1), time.now, time.wait)
    for thing in live.KEYS:
        assert [m.topic for m in door.stored if m.client_id == thing] == [
            f"measurements/{thing}/speed",
            f"measurements/{thing}/torque",
        ]


def test_without_a_broker_nothing_goes_on() -> None:
    assert demo_live.deployed(outputs(None)) is None


def outputs(broker: str | None) -> Outputs:
    """Of a deployment of one use case."""
    return Outputs(
        url_for_api="",
        url_for_reports="",
        url_for_predictions=None,
        api_key=KEY,
        region="us-east-1",
        topology=Topology("sdp", load(("machines",))),
        url_for_mqtt=broker,
    )


@pytest.mark.parametrize("end", [platform.down, platform.clean])
def test_what_goes_on_ends_with_the_platform(tmp_path: Path, end: End) -> None:
    places = {"SDP_HOME": str(tmp_path), **{name: str(free_port()) for name in PORTS}}
    settings = Settings.load(places)
    platform.keep_sending(settings, ["-c", "import time; time.sleep(600)"])
    first = demonstration.service(settings).process()
    platform.keep_sending(settings, ["-c", "import time; time.sleep(600)"])
    second = demonstration.service(settings).process()
    assert first and second and first.pid != second.pid
    assert "demonstration" in {c.name for c in components(settings, AT)}
    end(settings, platform.Steps())
    assert "demonstration" not in {c.name for c in components(settings, AT)}
    for process in (first, second):
        assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
