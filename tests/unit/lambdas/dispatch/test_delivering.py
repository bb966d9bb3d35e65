"""Each action at least once with one key, and never a different body under it."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from glue import instants
from lambdas.adapters.webhooks import Webhook
from lambdas.dispatch.signing import headers
from lambdas.ports.actions import Decision, Failure, Outcome, Status
from tests.unit.lambdas.dispatch.receiver import (
    DRIPS,
    FAILS,
    GONE_410,
    HANGS,
    LATE,
    MOVED,
    Receiver,
    receiver,
)
from tests.unit.lambdas.dispatch.world import NOON, Kill, Recorded, World, action

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DAY = timedelta(days=1)


def webhook(receiver: Receiver, world: list[World], seconds: float = 5) -> Webhook:
    """A destination whose headers have the world's time."""

    def signed(action: Decision) -> dict[str, str]:
        return headers([KEY], action.id, world[0].now, action.body)

    return Webhook(receiver.url, signed, public=False, seconds=seconds)


def world_of(receiver: Receiver, seconds: float = 5, **values: str) -> World:
    """A world with that receiver alone."""
    later: list[World] = []
    later.append(World(webhook(receiver, later, seconds), **values))
    return later[0]


def bodies(receiver: Receiver) -> dict[str, set[bytes]]:
    """Every body that was received under a key."""
    found: dict[str, set[bytes]] = {}
    for arrival in receiver.arrivals:
        found.setdefault(arrival.headers["webhook-id"], set()).add(arrival.body)
    return found


@pytest.mark.parametrize(
    ("modes", "seconds"),
    [
        ([], 5.0),
        ([FAILS, FAILS, FAILS], 5.0),
        ([MOVED], 5.0),
        ([HANGS], 0.2),
        ([LATE, LATE], 0.2),
        ([DRIPS], 0.2),
    ],
)
def test_a_receiver_that_fails_hangs_or_is_late_gets_each_action_under_one_key_with_one_body(
    modes: list[str], seconds: float
) -> None:
    with receiver(*modes) as one:
        world = world_of(one, seconds)
        world.stream(action("a-1"), action("a-2", "bob"))
        world.run(NOON + DAY)
        found = bodies(one)
        assert set(found) == {"a-1", "a-2"}
        assert all(len(under_one_key) == 1 for under_one_key in found.values())
        assert len(one.arrivals) == 2 + len(modes)
        for id_ in found:
            stored = world.store.action(id_)
            assert stored is not None
            assert stored.states["webhook"].status is Status.SENT
            assert {stored.body.encode()} == found[id_]
        assert world.letters == []


def test_a_receiver_that_is_gone_for_ten_minutes_gets_each_action() -> None:
    with receiver(listens=False) as one:
        world = world_of(one)
        back = NOON + timedelta(minutes=10)
        world.on_time = lambda: one.listens or world.now < back or one.start()  # type: ignore[method-assign,assignment,return-value]
        world.stream(*(action(f"a-{n}", f"customer-{n}") for n in range(25)))
        world.run(NOON + DAY)
        assert set(bodies(one)) == {f"a-{n}" for n in range(25)}
        assert len(one.arrivals) == 25
        state = world.store.action("a-0").states["webhook"]  # type: ignore[union-attr]
        assert state.at is not None
        assert back <= state.at <= back + timedelta(minutes=11)


def test_the_body_is_what_standard_webhooks_recommends() -> None:
    with receiver() as one:
        world = world_of(one)
        world.stream(action("a-1"))
        world.run(NOON + DAY)
        (arrival,) = one.arrivals
    assert json.loads(arrival.body) == {
        "type": "shop.action",
        "timestamp": "2026-03-01T11:59:58.000Z",
        "data": action("a-1"),
    }
    assert arrival.headers["content-type"] == "application/json"
    assert arrival.headers["webhook-timestamp"] == str(int(NOON.timestamp()))


def test_a_record_that_comes_again_sends_nothing_again() -> None:
    bus = Recorded()
    world = World(bus)
    world.stream(action("a-1"))
    world.run(NOON + DAY)
    world.stream(action("a-1"))
    world.run(NOON + 2 * DAY)
    assert [id_ for id_, _ in bus.received] == ["a-1"]
    assert world.letters == []


def test_another_content_under_a_known_id_is_a_dead_letter_and_never_sent() -> None:
    bus = Recorded(failures=[Failure("down")])
    world = World(bus)
    world.stream(action("a-1", title="First"))
    world.stream(action("a-1", title="Second"))
    world.run(NOON + DAY)
    assert {json.loads(body)["data"]["title"] for _, body in bus.received} == {"First"}
    (letter,) = world.letters
    assert (letter["stage"], letter["reason"], letter["field"]) == ("dispatch", "refused", "/id")


def test_a_bad_destination_holds_up_neither_the_other_one_nor_the_stream() -> None:
    with receiver(listens=False) as gone:
        bus, later = Recorded(), list[World]()
        later.append(World(webhook(gone, later), bus))
        world = later[0]
        world.stream(*(action(f"a-{n}", f"customer-{n}") for n in range(30)))
        world.run(NOON)
        assert len(bus.received) == 30


def test_what_fails_to_the_end_is_a_dead_letter_with_the_body() -> None:
    bus = Recorded(failures=[Failure(f"failure {n}") for n in range(1000)])
    world = World(bus, ActionRetryFor="PT1H")
    world.stream(action("a-1"))
    world.run(NOON + DAY)
    stored = world.store.action("a-1")
    assert stored is not None
    state = stored.states["bus"]
    assert state.status is Status.DEAD
    assert state.at is not None
    assert timedelta(hours=1) <= state.at - NOON <= timedelta(hours=1, minutes=15)
    (letter,) = world.letters
    assert (letter["reason"], letter["event_id"]) == ("undelivered", "a-1")
    assert state.error in letter["detail"]
    assert world.counts["Dead"] == 1


def test_a_retry_waits_longer_each_time_and_at_least_as_long_as_the_receiver_asks() -> None:
    retry_after = timedelta(minutes=3)
    bus = Recorded(failures=[Failure("503", retry_after), Failure("down"), Failure("down")])
    world = World(bus)
    times = []
    send = bus.send
    bus.send = lambda actions: (times.append(world.now), send(actions))[1]  # type: ignore[method-assign]
    world.stream(action("a-1"))
    world.run(NOON + DAY)
    waits = [b - a for a, b in pairwise(times)]
    assert waits == [retry_after, timedelta(seconds=10), timedelta(seconds=20)]


def test_410_disables_a_webhook_until_its_url_changes() -> None:
    with receiver(GONE_410) as one:
        world = world_of(one)
        world.stream(action("a-1"))
        world.run(NOON)
        world.stream(action("a-2"))
        world.run(NOON + DAY)
        assert len(one.arrivals) == 1
        assert [letter["event_id"] for letter in world.letters] == ["a-1", "a-2"]
        assert "410" in world.letters[1]["detail"]
        assert world.store.disabled("webhook") == {"url": one.url, "at": instants.to_wire(NOON)}
        with receiver() as other:
            later = [world]
            moved = webhook(other, later)
            deliver = world.deliver["webhook"]
            object.__setattr__(deliver, "destination", moved)
            world.stream(action("a-3"))
            world.run(NOON + 2 * DAY)
            assert set(bodies(other)) == {"a-3"}


def test_an_expired_action_is_recorded_and_not_sent() -> None:
    bus = Recorded()
    world = World(bus, ActionMaxAge="PT1H")
    world.stream(action("a-1", occurred_at="2026-03-01T10:59:59.999Z"), action("a-2"))
    world.run(NOON + DAY)
    assert [id_ for id_, _ in bus.received] == ["a-2"]
    stored = world.store.action("a-1")
    assert stored is not None
    assert stored.outcome is Outcome.EXPIRED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "/id"),
        ({"id": 7}, "/id"),
        ({"id": "x" * 1025}, "/id"),
        ({"occurred_at": "yesterday"}, "/occurred_at"),
        ({"customer_id": None, "subject": None}, "/subject"),
        ({"message": "x" * 250_000}, None),
    ],
)
def test_a_record_that_is_no_action_is_a_dead_letter_and_holds_nothing_up(
    change: dict[str, object], field: str | None
) -> None:
    bus = Recorded()
    world = World(bus)
    world.stream({**action("bad"), **change}, action("good"))
    world.run(NOON + DAY)
    assert [id_ for id_, _ in bus.received] == ["good"]
    (letter,) = world.letters
    assert (letter["reason"], letter["field"]) == ("malformed", field)


def test_two_messages_of_one_attempt_go_on_as_one() -> None:
    """SQS may deliver a message twice, and a record that comes again enqueues another one."""
    bus = Recorded(failures=[Failure("down")] * 2)
    world = World(bus)
    world.stream(action("a-1"))
    world.stream(action("a-1"))
    world.run(NOON + DAY)
    assert len(bus.received) == 3  # two of the first attempt, one of the second
    assert world.queued == {"bus": []}


def test_wherever_the_process_is_killed_each_action_is_sent_and_the_limits_hold() -> None:
    """Three actions of a customer who receives two a day, the first attempt of each fails."""
    number, finished = 0, False
    while not finished:
        for after in (False, True):
            kill = Kill(number, after)
            with_table = _killed(kill)
            finished = with_table.kill.writes <= number
        number += 1
    assert number > 10


def _killed(kill: Kill) -> World:
    bus = Recorded(failures=[Failure("down")] * 2)
    world = World(bus, kill=kill, ActionCap="2", QuietHours="12:00-14:00")
    world.stream(action("a-1"), action("a-2"), action("a-3"))
    assert bus.received == []
    attempts = []
    send = bus.send
    bus.send = lambda actions: (attempts.append(world.now), send(actions))[1]  # type: ignore[method-assign]
    world.run(NOON + DAY)
    found: dict[str, set[str]] = {}
    for id_, body in bus.received:
        found.setdefault(id_, set()).add(body)
    assert sorted(found) == ["a-1", "a-2"], kill
    assert all(len(under_one_key) == 1 for under_one_key in found.values())
    assert min(attempts) >= NOON + timedelta(hours=2)
    states = [world.store.action(id_) for id_ in ("a-1", "a-2", "a-3")]
    assert [s and s.outcome for s in states] == [Outcome.DUE, Outcome.DUE, Outcome.CAPPED]
    assert [s.states["bus"].status for s in states[:2] if s] == [Status.SENT] * 2
    times = world.store.times("ada")
    assert times.planned.keys() == times.handed.keys() == {"a-1", "a-2"}
    assert world.queued == {"bus": []}
    return world


def test_killed_at_its_end_an_action_still_leaves_its_dead_letter() -> None:
    """Between the last state and its dead letter."""
    bus = Recorded(failures=[Failure("gone", gone=True)])
    world = World(bus)
    world.stream(action("a-1"))
    world.kill.at, world.kill.after = world.kill.writes + 1, True  # disable, then the state
    world.run(NOON + DAY)
    stored = world.store.action("a-1")
    assert stored is not None
    assert stored.states["bus"].status is Status.DEAD
    assert [letter["event_id"] for letter in world.letters] == ["a-1"]
