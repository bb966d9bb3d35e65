"""Each attempt keeps the customer's quiet hours and the cap, wherever the process is killed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lambdas.dispatch.limits import ATTEMPT
from lambdas.ports.actions import Decision, Failure, Message, Outcome, State, Status
from tests.unit.lambdas.dispatch.receiver import receiver
from tests.unit.lambdas.dispatch.test_delivering import world_of
from tests.unit.lambdas.dispatch.world import NOON, Kill, Timed, World, action

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")  # an hour ahead
NIGHT = "22:00-07:00"
EVENING = NOON.replace(hour=20, minute=58)  # 21:58 in Berlin
MORNING = NOON.replace(day=2, hour=6)  # 07:00
UNREACHED = Failure("refused", received=False)
FAILED = Failure("HTTP 503")


def made(
    answer: Callable[[datetime, Decision], Failure | None],
    kill: Kill | None = None,
    start: datetime = NOON,
    **values: str,
) -> tuple[World, Timed]:
    """A world whose one destination answers by the time."""
    worlds: list[World] = []
    bus = Timed(lambda action: answer(worlds[0].now, action), lambda: worlds[0].now)
    worlds.append(World(bus, kill=kill, **values))
    worlds[0].now = start
    return worlds[0], bus


def offer(id_: str, world: World, **more: object) -> dict[str, object]:
    """An action of now, of a customer in Berlin."""
    at = world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return action(id_, **{"occurred_at": at, "time_zone": "Europe/Berlin", **more})  # type: ignore[arg-type]


def state(world: World, id_: str) -> State:
    """Of an action at the destination."""
    stored = world.store.action(id_)
    assert stored is not None
    return stored.states["bus"]


def decided(world: World, *ids: str) -> set[str]:
    """Those that are sent, not capped."""
    found = [world.store.action(id_) for id_ in ids]
    return {action.id for action in found if action and action.outcome is Outcome.DUE}


def asleep(hour: int) -> bool:
    """Whether it is night."""
    return not 7 <= hour < 22


def is_quiet(at: datetime, sleeps: Callable[[int], bool] = asleep) -> bool:
    """Whether a customer in Berlin sleeps at some time of an attempt that begins then."""
    return any(sleeps(t.astimezone(BERLIN).hour) for t in (at, at + ATTEMPT))


def test_a_retry_waits_for_the_end_of_the_customers_night() -> None:
    """Due two minutes before 22:00; the receiver is gone for ten minutes."""
    with receiver(listens=False) as one:
        world = world_of(one, QuietHours=NIGHT)
        world.now = EVENING
        back = EVENING + 10 * MINUTE
        world.on_time = lambda: one.listens or world.now < back or one.start()  # type: ignore[method-assign,assignment,return-value]
        world.stream(offer("a-1", world))
        world.run(NOON + DAY)
        (arrival,) = one.arrivals
    assert arrival.headers["webhook-timestamp"] == str(int(MORNING.timestamp()))
    assert world.letters == []


def test_a_message_that_waited_in_its_queue_is_not_sent_into_the_night() -> None:
    world, bus = made(lambda *_: None, start=EVENING, QuietHours=NIGHT)
    world.stream(offer("a-1", world))
    world.now += 3 * MINUTE
    world.run(NOON + DAY)
    assert [(at, id_) for at, id_, _ in bus.handed] == [(MORNING, "a-1")]


def test_the_night_takes_nothing_from_the_time_for_retries() -> None:
    """As many attempts before the dead letter as without a night, none of them in it."""
    attempts = {}
    for quiet in ("none", NIGHT):
        world, bus = made(
            lambda *_: FAILED, start=EVENING, QuietHours=quiet, ActionRetryFor="PT10M"
        )
        world.stream(offer("a-1", world))
        world.run(NOON + 2 * DAY)
        assert state(world, "a-1").status is Status.DEAD
        assert len(world.letters) == 1
        attempts[quiet] = [at for at, _, _ in bus.handed]
    assert len(attempts[NIGHT]) == len(attempts["none"]) > 7
    assert not any(map(is_quiet, attempts[NIGHT]))
    assert attempts["none"][-1] - attempts["none"][0] == pytest.approx(10 * MINUTE, abs=2 * MINUTE)
    slept = attempts[NIGHT][-1] - attempts[NIGHT][0]
    assert 9 * HOUR < slept < 9 * HOUR + 12 * MINUTE


def test_a_receiver_that_is_back_in_the_morning_gets_what_failed_in_the_evening() -> None:
    """The night is longer than ActionRetryFor."""
    back = MORNING + 4 * MINUTE
    world, bus = made(
        lambda now, _: None if now >= back else UNREACHED,
        start=EVENING,
        QuietHours=NIGHT,
        ActionRetryFor="PT10M",
    )
    world.stream(offer("a-1", world))
    world.run(NOON + 2 * DAY)
    (at,) = (at for at, _, _ in bus.handed)
    assert back <= at < back + 6 * MINUTE
    assert world.letters == []


def test_retries_do_not_bunch_more_actions_than_the_cap() -> None:
    """One a day; the receiver is gone while the second one becomes due."""
    back = NOON + DAY + HOUR
    world, bus = made(
        lambda now, _: None if now >= back else UNREACHED, ActionCap="1", ActionRetryFor="P2D"
    )
    world.stream(offer("a-1", world))
    world.run(NOON + DAY)
    world.stream(offer("a-2", world))
    world.run(NOON + 4 * DAY)
    (first, _, _), (second, _, _) = bus.handed
    assert back <= first < back + 15 * MINUTE
    assert first + DAY <= second < first + DAY + MINUTE
    assert {id_ for _, id_, _ in bus.handed} == {"a-1", "a-2"}


def test_what_waits_under_the_cap_counts_for_what_is_decided_then() -> None:
    """So that what waits does not grow: a day's place goes to it, not to a later action."""
    back = NOON + DAY + HOUR
    world, bus = made(
        lambda now, _: None if now >= back else UNREACHED, ActionCap="1", ActionRetryFor="P2D"
    )
    for number, hours in enumerate((0, 24, 48, 75)):
        world.run(NOON + hours * HOUR)
        world.stream(offer(f"a-{number}", world))
    world.run(NOON + 6 * DAY)
    assert sorted(id_ for _, id_, _ in bus.handed) == ["a-0", "a-1", "a-3"]
    third = world.store.action("a-2")
    assert third is not None and third.outcome is Outcome.CAPPED


def test_an_action_that_was_received_late_counts_from_then_on() -> None:
    back = NOON + 20 * HOUR
    world, _ = made(lambda now, _: None if now >= back else UNREACHED, ActionCap="1")
    world.stream(offer("a-1", world))
    world.run(NOON + 40 * HOUR)
    world.stream(offer("a-2", world))
    world.run(NOON + 45 * HOUR)
    world.stream(offer("a-3", world))
    assert decided(world, "a-1", "a-2", "a-3") == {"a-1", "a-3"}


def test_an_attempt_that_reached_nobody_takes_no_place() -> None:
    """The first one is dead when the second one is due; nobody has received anything."""
    back = NOON + 30 * HOUR
    world, bus = made(lambda now, _: None if now >= back else UNREACHED, ActionCap="1")
    world.stream(offer("a-1", world))
    world.run(NOON + 29 * HOUR)
    assert state(world, "a-1").status is Status.DEAD
    world.stream(offer("a-2", world))
    world.run(NOON + 3 * DAY)
    ((at, id_, _),) = bus.handed
    assert id_ == "a-2" and at < back + 15 * MINUTE


def test_an_attempt_without_an_answer_takes_its_place() -> None:
    """The receiver may have shown it to the customer."""
    world, bus = made(
        lambda now, action: None if action.id == "a-2" else Failure("timed out"), ActionCap="1"
    )
    world.stream(offer("a-1", world))
    world.run(NOON + 29 * HOUR)
    world.stream(offer("a-2", world))
    world.run(NOON + 4 * DAY)
    last = max(at for at, id_, _ in bus.handed if id_ == "a-1")
    assert [at for at, id_, _ in bus.handed if id_ == "a-2"] == [last + DAY]


def test_a_dead_action_that_is_sent_again_keeps_the_limits() -> None:
    """As `./sdp actions resend` does it."""
    fails = [FAILED]
    world, bus = made(
        lambda *_: fails[0] if fails else None, ActionCap="1", QuietHours=NIGHT,
        ActionRetryFor="PT10M",
    )  # fmt: skip
    world.stream(offer("a-1", world))
    world.run(NOON + HOUR)
    assert state(world, "a-1").status is Status.DEAD
    fails.clear()
    world.now = NOON.replace(hour=23)
    world.stream(offer("b-1", world, customer_id="bob"))
    _resend(world, "a-1")
    world.run(NOON + DAY)
    assert [(at, id_) for at, id_, _ in bus.handed[-2:]] == [(MORNING, "b-1"), (MORNING, "a-1")]
    assert len({body for _, id_, body in bus.handed if id_ == "a-1"}) == 1


def _resend(world: World, id_: str) -> None:
    stored = world.store.action(id_)
    assert stored is not None
    before = stored.states["bus"]
    pending = State(attempt=before.attempt + 1, since=world.now, due=world.now)
    world.store.restart(id_, "bus", before, pending)
    world.put("bus", [Message(id_, pending.attempt)])


# --- killed


def kills() -> Iterator[Kill]:
    """One before and one after each write, until there is none."""
    number, finished = 0, False
    while not finished:
        for after in (False, True):
            kill = Kill(number, after)
            yield kill
            finished = kill.writes <= number
        number += 1
    assert number > 20


def test_killed_at_any_write_an_action_is_sent_in_no_night_and_none_too_many() -> None:
    """Two actions wait for 23:03, when the receiver is back; the customer receives one an hour.

    The second attempt at each has no answer, so that it may have been received. A third one is
    decided meanwhile.
    """
    for kill in kills():
        _killed(kill)


def _killed(kill: Kill) -> None:
    tries: dict[str, int] = defaultdict(int)
    back = NOON.replace(hour=22, minute=3)

    def answer(now: datetime, action: Decision) -> Failure | None:
        tries[action.id] += 1
        if tries[action.id] == 2:
            return FAILED
        return UNREACHED if now < back else None

    start = NOON.replace(hour=19, minute=50)
    limits = {"ActionCap": "1", "ActionCapPeriod": "PT1H", "QuietHours": "22:00-23:00"}
    world, bus = made(answer, kill, start, **limits)
    for number, minutes in enumerate((0, 62, 100)):
        world.run(start + minutes * MINUTE)
        world.stream(offer(f"a-{number}", world))
    world.run(start + 12 * HOUR)
    due = decided(world, "a-0", "a-1", "a-2")
    assert {"a-0", "a-1"} <= due
    check(world, bus, 1, HOUR, due, lambda hour: hour == 22)


def check(
    world: World,
    bus: Timed,
    cap: int,
    period: timedelta,
    ids: set[str],
    sleeps: Callable[[int], bool] = asleep,
) -> None:
    """Every action was sent, in no night, with one body, and in no period too many."""
    assert {id_ for id_ in ids if state(world, id_).status is not Status.SENT} == set()
    assert world.letters == []
    assert not [at for at, _, _ in bus.handed if is_quiet(at, sleeps)]
    assert len({(id_, body) for _, id_, body in bus.handed}) == len(ids)
    for begin, _, _ in bus.handed:
        within = {id_ for at, id_, _ in bus.handed if begin <= at < begin + period}
        assert len(within) <= cap, (begin, within)
    assert world.queued == {"bus": []}


@pytest.mark.parametrize("seed", range(40))
def test_whatever_fails_the_limits_hold(seed: int) -> None:
    """Random failures, outages and kills, of actions of which each is due."""
    rng = random.Random(seed)
    cap, period = rng.randint(1, 3), rng.choice([HOUR, 5 * HOUR, DAY])
    outages = [
        (begin := NOON + rng.random() * 3 * DAY, begin + rng.random() * 8 * HOUR) for _ in range(3)
    ]

    def answer(now: datetime, _: Decision) -> Failure | None:
        if any(begin <= now < end for begin, end in outages):
            return rng.choice([UNREACHED, FAILED])
        return rng.choice([None, None, UNREACHED, FAILED])

    hours = int(period / HOUR)
    kill = Kill(rng.randrange(60), rng.random() < 0.5)
    world, bus = made(
        answer,
        kill,
        ActionCap=str(cap),
        ActionCapPeriod=f"PT{hours}H",
        QuietHours=NIGHT,
        ActionRetryFor="P3D",
    )
    ids = {f"a-{number}" for number in range(12)}
    for id_ in sorted(ids):
        world.stream(offer(id_, world))
        if kill.at < kill.writes:
            kill.at = kill.writes + rng.randrange(60)
        world.run(world.now + rng.random() * 9 * HOUR)
    world.run(NOON + 20 * DAY)
    due = decided(world, *ids)
    assert len(due) > cap
    check(world, bus, cap, period, due)
