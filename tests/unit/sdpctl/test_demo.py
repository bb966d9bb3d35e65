"""What `make demo` deploys, and what goes on when it has ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import httpx
import psutil
import pytest

from datagen import Generation, combined
from infra.topology import Topology
from lambdas.dispatch.signing import headers
from sdpctl import demo, demo_chain, demo_live, demo_receiver
from sdpctl.clock import now, pause
from sdpctl.commands.generate import generator_of
from sdpctl.errors import CommandError
from sdpctl.local import demonstration, platform
from sdpctl.local.outputs import Outputs
from sdpctl.local.processes import free_port
from sdpctl.local.status import components
from sdpctl.settings import PORTS, Settings
from tests.unit.lambdas.dispatch.receiver import receiver
from tests.unit.sdpctl.mqtt.brokers import KEY, FakeDoor, running
from usecases import load
from usecases.machines import live

End = Callable[[Settings, platform.Steps], None]
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_the_demo_deploys_the_default_use_case_and_those_that_it_shows() -> None:
    assert demo_chain.use_cases() == ("adtech", "shopping", "machines")


@pytest.mark.parametrize("number", [1, 20_000, 100_000])
def test_events_that_must_not_be_late_begin_in_a_while_and_are_sent_in_order(number: int) -> None:
    """Patterns take none behind WatermarkDelay, the door none that is five minutes ahead."""
    (shopping,) = load(("shopping",)).use_cases
    shape, workers = demo._shape(shopping, number, 1, AT)
    assert workers == 1
    assert AT + timedelta(seconds=30 + min(number / 400, 210)) == shape.start
    assert shape.shuffle < shopping.configured({}).watermark_delay
    assert number > 20_000 or shape.start + shape.span <= AT + timedelta(minutes=5)
    (adtech,) = load(("adtech",)).use_cases
    shape, workers = demo._shape(adtech, number, 1, AT)
    assert (shape.start + shape.span, workers) == (AT, 4)


def test_what_comes_after_the_events_is_shown_and_not_waited_for() -> None:
    (shopping,) = load(("shopping",)).use_cases
    shape, _ = demo._shape(shopping, 8_000, 1, AT)
    generation = Generation(shopping, generator_of("shopping"), shape)
    assert list(generation)
    truth, kinds = generation.truth(), shopping.reports[0]
    expected = demo.Expected.of(kinds, truth)
    totals = {key: row["found"] for key, row in truth["reports"]["kinds"].items()}
    stuck = totals.pop("stuck_in_form")
    assert {key: row["found"] for key, row in expected.rows.items()} == totals
    assert stuck > 100 and len(totals) == 2
    assert list(demo.to_come(expected)) == [
        f"  stuck_in_form is still to come: found {stuck:,} by 2026-11-21 10:35:00Z"
    ]


def test_of_auctions_nothing_comes_after_the_events() -> None:
    (adtech,) = load(("adtech",)).use_cases
    shape, _ = demo._shape(adtech, 4_000, 1, AT)
    generation = Generation(adtech, generator_of("adtech"), shape)
    assert list(generation)
    report, truth = adtech.reports[0], generation.truth()
    expected, names = demo.Expected.of(report, truth), [c.name for c in report.measures]
    totals = truth["reports"]["campaigns"].items()
    assert expected.rows == {key: {n: row[n] for n in names} for key, row in totals}
    assert not expected.later


def test_the_report_of_machines_is_complete_with_what_is_sent_behind_them() -> None:
    """Of several periods some measures are added up, of others the last or the least counts."""
    (machines,) = load(("machines",)).use_cases
    shape, workers = demo._shape(machines, 20_000, 1, AT + timedelta(minutes=3, seconds=30))
    generation = Generation(machines, generator_of("machines"), shape)
    events = list(generation)
    delay = machines.configured({}).watermark_delay
    report, truth, closing = machines.reports[0], generation.truth(), generation.closing(delay)
    expected, names = demo.Expected.of(report, truth), [c.name for c in report.measures]
    totals = truth["reports"]["machines"]
    assert {row["period_start"] for row in truth["periods"]["machines"]} == {
        "2026-11-21T10:00:00.000Z",
        "2026-11-21T10:05:00.000Z",
    }
    assert expected.rows == {key: {n: row[n] for n in names} for key, row in totals.items()}
    assert workers == 1 and not expected.later
    assert Counter(event["thing"] for event in closing) == dict.fromkeys(totals, 3)
    last = max(event["occurred_at"] for event in events)
    assert all(event["occurred_at"] > last for event in closing)
    for key, row in totals.items():
        parts = [r for r in truth["periods"]["machines"] if r["thing"] == key]
        whole = combined(report, sorted(parts, key=lambda r: r["period"]))
        assert whole == pytest.approx({n: row[n] for n in names})


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


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a platform that does not run, with a folder and ports of its own."""
    places = {"SDP_HOME": str(tmp_path), **{name: str(free_port()) for name in PORTS}}
    return Settings.load(places)


def test_messages_go_to_the_demos_receiver_unless_another_one_is_named(settings: Settings) -> None:
    with receiver() as other:  # another program has the port
        demo_receiver._file(settings).parent.mkdir()
        demo_receiver._file(settings).write_text(str(other.port))
        deployed = demo_receiver.parameters(settings, "adtech shopping", "ActionCap=3")
    given, own = deployed.split()
    assert given == "ActionCap=3"
    port = int(own.removeprefix("shopping.ActionWebhook=http://127.0.0.1:").removesuffix("/"))
    assert port != other.port
    assert demo_receiver.parameters(settings, "shopping", "") == own  # so nothing changes
    assert demo_receiver.parameters(settings, "adtech,unknown", "") == ""
    assert demo_receiver.started(settings, "shopping") is None
    webhook = "shopping.ActionWebhook=http://127.0.0.1:1/"
    assert demo_receiver.parameters(settings, "shopping", webhook) == webhook


def test_the_demos_receiver_knows_what_it_received_until_it_ends_with_the_platform(
    settings: Settings,
) -> None:
    port, key = free_port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    command = ["-m", "sdpctl", "receiver", "--json", f"--port={port}", f"--key={key}"]
    one = demo_receiver.DemoReceiver(port, platform.keep_receiving(settings, command))
    platform.await_receiver(settings, port)
    process = demonstration.receiver(settings).process()
    assert process and "receiver" in {c.name for c in components(settings, AT)}
    body = '{"data":{"id":"a-1","message":"Hi"}}'
    assert httpx.post(one.url, content=body, headers=headers([key], "a-1", now(), body)).is_success
    while (arrival := one.received("a-1")) is None:
        pause(0.05)
    assert (arrival["id"], arrival["refused"], arrival["action"]["message"]) == ("a-1", None, "Hi")
    assert one.received("a-2") is None
    assert httpx.post(one.url, content=body).status_code == 401
    with pytest.raises(CommandError, match="the receiver refused webhook"):
        while one.received("a-2") is None:
            pause(0.05)
    platform.down(settings, platform.Steps())
    assert "receiver" not in {c.name for c in components(settings, AT)}
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_receiver_that_cannot_listen_is_no_endless_wait(settings: Settings) -> None:
    platform.keep_receiving(settings, ["-c", "import sys; sys.exit('no key')"])
    with pytest.raises(CommandError, match="the receiver of messages ended: no key"):
        platform.await_receiver(settings, free_port())


@pytest.mark.parametrize("end", [platform.down, platform.clean])
def test_what_goes_on_ends_with_the_platform(settings: Settings, end: End) -> None:
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
