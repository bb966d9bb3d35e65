"""Made-up machines with the pairs, the power and the report that must come of them.

Each machine measures speed and torque at moments of its own: of every third in one message, so at
one time; of the next ones in turns; of the others in bursts of one, then of the other. Now and then
a machine stops for longer than `MaxDistance`. Some measurements are of a temperature, which is no
part of the join.

`Expected` is the plain form of the join, with the default numbers: for measurements in the order of
their time, each there once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, cast

from datagen import Contribution, Occurrence, Settings
from glue.instants import from_millis, to_millis, to_wire
from glue.parameters import Parameters
from usecases.machines.parameters import PARAMETERS

Row = dict[str, Any]
Sample = tuple[int, float]

_DEFAULTS = Parameters.parse({}, own=PARAMETERS)
SPEED, TORQUE = str(_DEFAULTS["SpeedQuantity"]), str(_DEFAULTS["TorqueQuantity"])
DISTANCE = cast(timedelta, _DEFAULTS["MaxDistance"]) // timedelta(milliseconds=1)
RATED = float(cast(float, _DEFAULTS["RatedPower"]))
REPORT, PAIRS, POWER = "machines", "pairs", "power"
OTHER = "temperature"
MICRO = Decimal("0.000001")
TEMPERATURES, STOPS = 0.05, 0.01
STOPPED_MS = 3 * DISTANCE
BURST = 3
BANDS = 5  # of load, fifths of the rated power
EVENTS_PER_MACHINE = 1_000


def occurrences(settings: Settings) -> Iterator[Occurrence]:
    """One measurement each 1/rate seconds, of a machine that is running.

    Late ones are of machines of their own, so that they change nothing.
    """
    made = _Made(settings)
    expected = Expected()
    last: Occurrence | None = None
    for number in range(settings.events):
        if last is not None:
            yield last
        at = settings.start_ms + int(number * 1000 / settings.rate)
        last = made.late(number, at) or made.next(number, at, expected)
    if last is not None:
        yield _with(last, expected.finish())


def closing(keys: Iterable[str], end: datetime, delay: timedelta) -> Iterator[Row]:
    """Measurements of both series, so long after the others, and apart, that none pairs.

    The first of them ends what the last pair lasts. It is decided when both series are known beyond
    it by more than `delay`.
    """
    first = end + timedelta(seconds=10)
    second = first + delay + timedelta(seconds=5)
    later = [(SPEED, first), (TORQUE, second), (SPEED, second + timedelta(seconds=2))]
    things = list(keys)
    for quantity, moment in later:
        for thing in things:
            yield {
                "type": "measurement",
                "event_id": f"{thing}-{quantity}-{to_millis(moment)}",
                "occurred_at": to_wire(moment),
                "thing": thing,
                "quantity": quantity,
                "result": 1.0,
            }


def _with(occurrence: Occurrence, found: list[Found | Lasted]) -> Occurrence:
    """The occurrence with what is certain with it."""
    later = tuple((each.moment, each.contribution()) for each in found)
    rows = tuple(row for each in found for row in each.rows())
    return occurrence._replace(rows=(*occurrence.rows, *rows), later=(*occurrence.later, *later))


class _Made:
    """Measurements one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.random = Random(f"{settings.seed}/machines")
        self.prefix = f"{settings.start_ms:x}-{settings.seed}"
        self.count = max(3, settings.events // EVENTS_PER_MACHINE)
        self.turns: dict[int, int] = {}
        self.begun: tuple[int, int] | None = None  # the machine and time of a message's first half
        self.stopped: dict[int, int] = {}  # until when
        self.newest: dict[tuple[int, str], int] = {}
        self.late_ms = round(settings.late_by.total_seconds() * 1000)

    def late(self, number: int, at: int) -> Occurrence | None:
        """In the second half, when time has moved on."""
        is_first_half = number * 2 < self.settings.events
        if is_first_half or self.random.random() >= 2 * self.settings.late:
            return None
        event = self._event(number, f"late-{number:x}", at - self.late_ms, SPEED, 1.0)
        return Occurrence(at, event, (), late=True)

    def next(self, number: int, at: int, expected: Expected) -> Occurrence:
        """The next measurement, with what must be found when it is there.

        No two of one quantity of a machine are at one time.
        """
        if self.begun is not None:
            machine, moment = self.begun
            self.begun = None
            return self._joined(number, at, machine, TORQUE, moment, expected)
        machine = self._running(at)
        quantity = self._quantity(machine)
        is_known = self.newest.get((machine, quantity), -1) >= at
        if is_known or self.random.random() < TEMPERATURES:
            event = self._event(number, f"m{machine}", at, OTHER, 40.0)
            return Occurrence(at, event, (), idempotent=True)
        if machine % 3 == 0:
            self.begun = machine, at
        elif self.random.random() < STOPS:
            self.stopped[machine] = at + STOPPED_MS
        return self._joined(number, at, machine, quantity, at, expected)

    def _joined(
        self, number: int, at: int, machine: int, quantity: str, moment: int, expected: Expected
    ) -> Occurrence:
        self.newest[machine, quantity] = moment
        usual = 600.0 if quantity == SPEED else 8.0
        result = round(usual * (0.2 + 1.4 * self.random.random()), 3)
        event = self._event(number, f"m{machine}", moment, quantity, result)
        return _with(Occurrence(at, event, ()), expected.take(moment, event))

    def _running(self, at: int) -> int:
        running = [m for m in range(self.count) if self.stopped.get(m, at) <= at]
        return self.random.choice(running or [0])

    def _quantity(self, machine: int) -> str:
        if machine % 3 == 0:
            return SPEED
        turn = self.turns.get(machine, 0)
        self.turns[machine] = turn + 1
        return (SPEED, TORQUE)[turn // (BURST if machine % 3 == 2 else 1) % 2]

    def _event(self, number: int, name: str, moment: int, quantity: str, result: float) -> Row:
        return {
            "type": "measurement",
            "event_id": f"{self.prefix}-{number:08x}",
            "occurred_at": to_wire(from_millis(moment)),
            "thing": f"{self.prefix}-{name}",
            "quantity": quantity,
            "result": result,
        }


# what must be found -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A pair."""

    thing: str
    speed: Sample
    torque: Sample

    @property
    def moment(self) -> int:
        """The mean of both times."""
        return (self.speed[0] + self.torque[0]) // 2

    @property
    def power(self) -> float:
        """In watts."""
        return math.pi / 30 * self.speed[1] * self.torque[1]

    def contribution(self) -> Contribution:
        """One value of the report."""
        exact = Decimal(repr(self.power)).quantize(MICRO, ROUND_HALF_UP)
        return REPORT, self.thing, (1, exact, *[self.power] * 3, *[0] * BANDS)

    def rows(self) -> Iterable[tuple[str, Row]]:
        """Of the records."""
        return _rows(self)


@dataclass(frozen=True)
class Lasted:
    """A pair that was the newest one for some milliseconds."""

    pair: Found
    lasting: int

    @property
    def moment(self) -> int:
        """When it counts: with its value."""
        return self.pair.moment

    def contribution(self) -> Contribution:
        """Time in a load band. The value is there already, and is the last one so far."""
        load = abs(self.pair.power) / RATED
        band = sum(load >= bound for bound in (0.2, 0.4, 0.6, 0.8))
        bands = tuple(self.lasting * (band == each) for each in range(BANDS))
        return REPORT, self.pair.thing, (0, Decimal(0), *[self.pair.power] * 3, *bands)

    def rows(self) -> Iterable[tuple[str, Row]]:
        """None."""
        return ()


@dataclass
class _Machine:
    """What is known of a machine.

    `now`: what was measured at its newest time. `last`: the last sample of each quantity before.
    `waiting`: those that have no next one of the other quantity yet.
    """

    now: dict[str, Sample] = field(default_factory=dict)
    last: dict[str, Sample] = field(default_factory=dict)
    waiting: dict[str, list[Sample]] = field(default_factory=lambda: {SPEED: [], TORQUE: []})


class Expected:
    """The pairs that follow from measurements, taken in the order of their time."""

    def __init__(self) -> None:
        self._machines: dict[str, _Machine] = {}

    def take(self, at: int, event: Row) -> list[Found | Lasted]:
        """What follows from the time before, which is over when a later measurement comes."""
        machine = self._machines.setdefault(event["thing"], _Machine())
        is_over = any(time < at for time, _ in machine.now.values())
        found = self._over(event["thing"], machine) if is_over else []
        machine.now[event["quantity"]] = at, event["result"]
        return found

    def finish(self) -> list[Found | Lasted]:
        """What follows when nothing else comes."""
        return [
            each
            for thing, machine in self._machines.items()
            for each in (*self._over(thing, machine), *_lasted(thing, machine.last, None))
        ]

    @staticmethod
    def _over(thing: str, machine: _Machine) -> list[Found | Lasted]:
        now, machine.now = machine.now, {}
        lasted = _lasted(thing, machine.last, min((at for at, _ in now.values()), default=None))
        found = [
            Found(thing, speed, torque)
            for speed, torque in _partners(now, machine)
            if abs(speed[0] - torque[0]) <= DISTANCE
        ]
        for quantity, other in ((SPEED, TORQUE), (TORQUE, SPEED)):
            if other in now:
                machine.waiting[quantity] = []
            elif quantity in now:
                machine.waiting[quantity].append(now[quantity])
        machine.last.update(now)
        found.sort(key=lambda p: (p.moment, p.speed[0], p.torque[0]))
        return [*lasted, *found]


def _lasted(thing: str, last: dict[str, Sample], until: int | None) -> list[Lasted]:
    """How long the last samples of both quantities, if they are a pair, are the newest ones."""
    if SPEED not in last or TORQUE not in last:
        return []
    speed, torque = last[SPEED], last[TORQUE]
    if abs(speed[0] - torque[0]) > DISTANCE:
        return []
    since = max(speed[0], torque[0])
    lasting = DISTANCE if until is None else min(until - since, DISTANCE)
    return [Lasted(Found(thing, speed, torque), lasting)]


def _partners(now: dict[str, Sample], machine: _Machine) -> Iterator[tuple[Sample, Sample]]:
    """Speed and torque; of what was measured now with what waits, or else was the last."""
    speed, torque = now.get(SPEED), now.get(TORQUE)
    if speed and torque:
        yield speed, torque
    if speed:
        before = machine.waiting[TORQUE] or ([] if torque else _list(machine.last.get(TORQUE)))
        yield from ((speed, each) for each in before)
    if torque:
        before = machine.waiting[SPEED] or ([] if speed else _list(machine.last.get(SPEED)))
        yield from ((each, torque) for each in before)


def _list(sample: Sample | None) -> list[Sample]:
    return [] if sample is None else [sample]


def _rows(pair: Found) -> Iterator[tuple[str, Row]]:
    yield (
        PAIRS,
        {
            "thing": pair.thing,
            "r_quantity": SPEED,
            "r_time": to_wire(from_millis(pair.speed[0])),
            "r_result": pair.speed[1],
            "s_quantity": TORQUE,
            "s_time": to_wire(from_millis(pair.torque[0])),
            "s_result": pair.torque[1],
            "status": "final",
            "join_name": POWER,
            "join_version": 0,
        },
    )
    time = to_wire(from_millis(pair.moment))
    yield POWER, {"thing": pair.thing, "occurred_at": time, "power": pair.power}
