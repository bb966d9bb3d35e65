"""Recordings of machines: NDJSON that others made, as measurements that are sent, and their pairs.

Each line has what one machine measured at one time: `Thing`, `Timestamp` in epoch ms, and for each
quantity a number. Other fields that are numbers are quantities too; texts are left out.

`moved` shortens the pauses of a recording and moves it to another time. As long as a pause stays
longer than the distance of a join, the recording has the same pairs.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from glue.instants import from_millis, to_wire
from usecases.machines import generator

DISTANCE_MS, PAUSE_MS = 1_000, 1_100
SHUFFLE_MS, COPIES = 4_000, 0.2
DELAY = timedelta(seconds=5)  # by which the watermark is behind
SPEED, TORQUE = "speed", "torque"
TAIL_MS = 22_000  # how long after the end the last measurements of `tail` are
_THING, _TIME = "Thing", "Timestamp"
Event = dict[str, Any]
Pair = tuple[str, int, float, int, float]  # thing, time and value of r, time and value of s


class Sample(NamedTuple):
    """What a machine measured at a time, in epoch ms."""

    thing: str
    quantity: str
    moment: int
    result: float

    def event(self, run: str) -> Event:
        """As it is sent. A machine of each run is another one."""
        return {
            "type": "measurement",
            "event_id": f"{run}-{self.thing}-{self.quantity}-{self.moment}",
            "occurred_at": to_wire(from_millis(self.moment)),
            "thing": f"{run}-{self.thing}",
            "quantity": self.quantity,
            "result": self.result,
        }


def read(lines: Iterable[str], names: Mapping[str, str]) -> list[Sample]:
    """The measurements of a recording; `names` are other names for some of its quantities.

    Raises ValueError with the line that is not one, and for a quantity that no line has.
    """
    samples = [s for n, text in enumerate(lines, 1) if text.strip() for s in _line(n, text)]
    known = {sample.quantity for sample in samples}
    if missing := sorted(set(names) - known):
        raise ValueError(
            f"no line has {', '.join(missing)}; quantities: {', '.join(sorted(known))}"
        )
    return [s._replace(quantity=names.get(s.quantity, s.quantity)) for s in samples]


def _line(number: int, text: str) -> Iterator[Sample]:
    try:
        row = json.loads(text)
        thing, moment = str(row.pop(_THING)), int(row.pop(_TIME))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"line {number}: {error!r}; give an object with {_THING}, {_TIME} in epoch ms, and "
            "numbers"
        ) from error
    for name, value in row.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Sample(thing, name, moment, float(value))


def made_up(seed: int, lines: int = 300) -> list[str]:
    """A small recording: three machines with pauses, of which one has few speeds."""
    random, found = Random(f"recording/{seed}"), []
    for number, thing in enumerate(("lathe", "drill", "saw")):
        moment = 1_700_000_000_000 + number * 86_400_000
        for _ in range(lines >> number):
            moment += random.choice((1, 250, 997, 1_000, 1_001, 1_003, random.randrange(60_000)))
            row: dict[str, Any] = {_THING: thing, _TIME: moment, "mode": "turning"}
            if random.random() < (0.6, 0.9, 0.1)[number]:
                row["rpm"] = random.randrange(0, 900)
            if random.random() < 0.8:
                row["newton"] = round(random.uniform(-9, 9), 3)
            if random.random() < 0.5:
                row["load"] = random.random()
            found.append(json.dumps(row))
    return found


MADE_UP_NAMES = {"rpm": SPEED, "newton": TORQUE}


@dataclass(frozen=True)
class Recording:
    """The measurements of a recording."""

    samples: list[Sample]

    @classmethod
    def load(cls, path: Path | None, r: str, s: str) -> Recording:
        """A file's, with its quantities r and s called speed and torque; without one, made up."""
        if path is None:
            return cls(read(made_up(1), MADE_UP_NAMES))
        with path.open(encoding="utf-8") as lines:
            return cls(read(lines, {r: SPEED, s: TORQUE}))

    def moved(self, end: int, pause: int = PAUSE_MS) -> Recording:
        """Without longer pauses than that, each machine's last measurement at `end`, epoch ms."""
        if pause <= DISTANCE_MS:
            raise ValueError(
                f"pause {pause} ms: must be longer than {DISTANCE_MS} ms, the distance"
            )
        times: dict[str, set[int]] = defaultdict(set)
        for sample in self.samples:
            times[sample.thing].add(sample.moment)
        new = {thing: _moved(sorted(found), end, pause) for thing, found in times.items()}
        return Recording([s._replace(moment=new[s.thing][s.moment]) for s in self.samples])

    @property
    def lasts(self) -> int:
        """From its first to its last measurement, ms."""
        moments = [sample.moment for sample in self.samples]
        return max(moments) - min(moments)

    def sent(self, run: str, seed: int) -> list[Event]:
        """In an order of arrival: shuffled over `SHUFFLE_MS`, a share of `COPIES` twice."""
        random = Random(f"sent/{seed}")
        copies = [s for s in self.samples for _ in range(1 + (random.random() < COPIES))]
        arrival = [s.moment + random.random() * SHUFFLE_MS for s in copies]
        order = sorted(range(len(copies)), key=arrival.__getitem__)
        return [*(copies[n].event(run) for n in order), *self._tail(run)]

    def _tail(self, run: str) -> Iterator[Event]:
        """Measurements that pair with nothing, by which the pairs before them are final."""
        end = from_millis(max(sample.moment for sample in self.samples))
        things = sorted({f"{run}-{sample.thing}" for sample in self.samples})
        return generator.closing(things, end, DELAY)


def _moved(times: list[int], end: int, pause: int) -> dict[int, int]:
    """The new time of each."""
    new, moment = {times[-1]: end}, end
    for before, after in reversed(list(pairwise(times))):
        moment -= min(after - before, pause)
        new[before] = moment
    return new


def pairs(samples: Iterable[Sample], run: str = "") -> set[Pair]:
    """By the definition: each speed with its previous and next torque, each torque with speeds.

    Of measurements of one machine, quantity and time the least stands.
    """
    series: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for thing, quantity, moment, result in samples:
        own = series[f"{run}-{thing}" if run else thing][quantity]
        own[moment] = min(result, own.get(moment, result))
    return {
        (thing, r, own[SPEED][r], s, own[TORQUE][s])
        for thing, own in series.items()
        for r, s in {
            *_nearest(own[SPEED], own[TORQUE]),
            *((r, s) for s, r in _nearest(own[TORQUE], own[SPEED])),
        }
        if abs(r - s) <= DISTANCE_MS
    }


def _nearest(ones: Iterable[int], others: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each one with the last other at or before it, and the first at or after it."""
    known = sorted(others)
    for one in ones:
        before, after = bisect_right(known, one) - 1, bisect_left(known, one)
        if before >= 0:
            yield one, known[before]
        if after < len(known):
            yield one, known[after]
