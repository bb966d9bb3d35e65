"""The broker refuses what AWS IoT Core refuses, and acknowledges only what is stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glue.mqtt import PAYLOAD_BYTES
from sdpctl.local.mqtt.broker import Pace, refusal
from tests.unit.sdpctl.mqtt.brokers import KEY, Device, FakeDoor

TOPIC = "measurements/m1/speed"


@pytest.fixture
def device(port: int) -> Iterator[Device]:
    """The thing m1, connected."""
    made = Device("m1")
    made.reach(port)
    yield made
    made.end()


@pytest.mark.parametrize(
    ("name", "password", "user"),
    [("m1", "wrong", "any"), ("m1", "", "any"), ("m1", KEY, None), ("a b", KEY, "any")],
)
def test_nobody_connects_without_a_key_or_with_a_name_that_no_thing_has(
    door: FakeDoor, port: int, name: str, password: str, user: str | None
) -> None:
    refused = Device(name, password, user)
    assert refused.reach(port).is_failure
    refused.end()


def test_a_refused_client_does_not_end_the_connection_of_the_thing(
    door: FakeDoor, port: int, device: Device
) -> None:
    other = Device("m1", "wrong")
    assert other.reach(port).is_failure
    other.end()
    device.publish(TOPIC, b"1", qos=1).wait_for_publish(60)
    assert len(door.await_(1)) == 1
    assert not device.left.is_set()


def test_a_message_is_acknowledged_once_it_is_stored(door: FakeDoor, device: Device) -> None:
    """Of one that could not be stored the connection is closed; the client publishes it again."""
    door.failures = 1
    device.reconnect_delay_set(1, 1)
    info = device.publish(TOPIC, b"12.5", qos=1)
    info.wait_for_publish(60)
    assert device.left.is_set()
    (message,) = door.await_(1)
    assert (message.topic, message.payload, message.client_id) == (TOPIC, b"12.5", "m1")


@pytest.mark.parametrize("qos", [0, 1])
def test_messages_are_stored_in_their_order(door: FakeDoor, device: Device, qos: int) -> None:
    for number in range(50):
        device.publish(TOPIC, str(number), qos=qos)
    assert [int(m.payload) for m in door.await_(50)] == list(range(50))


def test_a_retained_message_is_stored_once(door: FakeDoor, port: int, device: Device) -> None:
    device.publish(TOPIC, b"1", qos=1, retain=True).wait_for_publish(60)
    device.end()
    again = Device("m1")
    again.reach(port)
    again.publish(TOPIC, b"2", qos=1).wait_for_publish(60)
    again.end()
    assert [m.payload for m in door.await_(2)] == [b"1", b"2"]


@pytest.mark.parametrize("topic", ["measurements/m2/speed", "measurements", "other/m1"])
def test_a_thing_publishes_to_its_own_topics_alone(
    door: FakeDoor, device: Device, topic: str
) -> None:
    device.publish(topic, b"1", qos=0)
    assert device.left.wait(60)
    assert door.stored == []


def test_a_thing_may_not_subscribe(device: Device) -> None:
    codes: list[bool] = []
    device.on_subscribe = lambda *answer: codes.append(answer[3][0].is_failure)
    device.subscribe("measurements/#", qos=1)
    device.publish(TOPIC, b"1", qos=1).wait_for_publish(60)
    assert codes == [True]


def test_the_last_will_of_a_thing_that_is_gone_is_a_message(door: FakeDoor, port: int) -> None:
    lost = Device("m1")
    lost.will_set(TOPIC, b"0", qos=1)
    lost.reach(port)
    lost.loop_stop()
    lost.socket().close()
    assert [m.payload for m in door.await_(1)] == [b"0"]


@pytest.mark.parametrize(
    ("topic", "size", "qos", "why"),
    [
        (TOPIC, PAYLOAD_BYTES + 1, 1, "a payload of 131073 bytes; at most 131072"),
        ("measurements/m1/" + "é" * 121, 1, 1, "a topic of 258 bytes; 1 to 256"),
        ("measurements/m1/" + "/".join("abcdefg"), 1, 1, "a topic with 8 slashes; at most 7"),
        (TOPIC, 1, 2, "QoS 2; AWS IoT Core has QoS 0 and 1"),
        ("$aws/things/m1/shadow", 1, 1, "not reserved"),
    ],
)
def test_the_limits_are_those_of_aws(
    door: FakeDoor, device: Device, topic: str, size: int, qos: int, why: str
) -> None:
    assert why in refusal(topic, bytes(size), qos)
    device.publish(topic, bytes(size), qos=qos)
    assert device.left.wait(60)
    assert door.stored == []


def test_the_largest_message_is_stored(door: FakeDoor, device: Device) -> None:
    device.publish(TOPIC, bytes(PAYLOAD_BYTES), qos=1).wait_for_publish(60)
    assert len(door.await_(1)[0].payload) == PAYLOAD_BYTES


def test_a_connection_publishes_a_hundred_messages_a_second() -> None:
    present = [0.0]
    pace = Pace(clock=lambda: present[0])
    assert [pace.admits() for _ in range(101)] == [True] * 100 + [False]
    present[0] = 1.0
    assert pace.admits()
