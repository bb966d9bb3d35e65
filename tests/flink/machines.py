"""Machines by the hundred, and what must come of their measurements by force.

The oracle looks at all pairs of measurements of a machine. It knows nothing of streams, and no part
of it is shared with the use case.

Each of `SDP_SERIES` pairs of series is sent by `SDP_ORDERS` machines, by each in an order of its
own. The long form is `SDP_SERIES=2000 SDP_ORDERS=10`.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, NamedTuple

from glue.instants import from_millis, to_wire
from tests import asof
from tests.flink.pipelines import START, Event, Made, Row, at

SERIES = int(os.environ.get("SDP_SERIES", "50"))
ORDERS = int(os.environ.get("SDP_ORDERS", "2"))
DISTANCE, RATED = 1_000, 1_000
SPEED, TORQUE, HEAT = "speed", "torque", "temperature"
BUCKET = 300
MICRO = Decimal("0.000001")

# Speeds are r, torques are s; the number is the time in milliseconds.
GOLDEN = {
    "r1 s2 r3 s4": "r1-s2 r3-s2 r3-s4",
    "r1 r2 r5 s3 s4": "r1-s3 r2-s3 r2-s4 r5-s3 r5-s4",
    "r5 s5": "r5-s5",
    "r1 s1 r2 s2": "r1-s1 r2-s2",
    "r1 r2 r3": "",
    "s1 r2": "r2-s1",
    "r1 s2 s3 s4 r5": "r1-s2 r1-s3 r1-s4 r5-s2 r5-s3 r5-s4",
    "r1 s1001 r2002": "r1-s1001",
    "r1 s900 r2 s3": "r1-s3 r2-s3 r2-s900",
}


class Join(NamedTuple):
    """A version of a join, in force from one instant until another, ms after `START`."""

    name: str
    version: int
    start: float
    end: float
    r: str
    s: str
    distance: int

    def takes(self, event: Event) -> bool:
        """Whether it pairs a measurement."""
        moment = at(event) - START
        return event["quantity"] in (self.r, self.s) and self.start <= moment < self.end

    def for_asof(self) -> asof.Version:
        """As the ASOF joins take it."""
        start = asof.BEGINNING if self.start == -NEVER else START + int(self.start)
        end = asof.NEVER if self.end == NEVER else START + int(self.end)
        return asof.Version(self.name, self.version, start, end, self.r, self.s, self.distance)


NEVER = math.inf
# Without definitions, and with those of `definitions`.
BY_DEFAULT = (Join("power", 0, -NEVER, NEVER, SPEED, TORQUE, DISTANCE),)
JOINS = (
    Join("power", 0, -NEVER, 15_000, SPEED, TORQUE, DISTANCE),
    Join("power", 1, 15_000, NEVER, SPEED, TORQUE, 300),
    Join("heat", 1, 5_000, 8_000, HEAT, SPEED, 500),
    Join("heat", 3, 12_000, NEVER, TORQUE, HEAT, 2_000),
)


def definitions() -> list[Row]:
    """What `JOINS` are written as: one changes, another ends and begins again."""
    versions = [(j.name, j.version, j.start, j) for j in JOINS if j.version]
    return [_definition(*each) for each in (*versions, ("heat", 2, 8_000, None))]


def _definition(name: str, version: int, start: float, join: Join | None) -> Row:
    body = join and {"r": join.r, "s": join.s, "distance": f"PT{join.distance / 1000}S"}
    valid = {"valid_from": START + int(start), "mode": "live", "ended": join is None}
    return {"kind": "join", "name": name, "version": version, **valid, "body": body or {}}


def made() -> Made:
    """The golden cases, and random machines of many seeds."""
    events = [*_golden()]
    for seed in range(SERIES):
        for order in range(ORDERS):
            events += _random(seed, order)
    return Made({"measurements": sorted(events, key=at)})


def _event(name: str, thing: str, moment: int, quantity: str, result: float) -> Event:
    fields = {"thing": thing, "quantity": quantity, "result": result}
    time = to_wire(from_millis(START + moment))
    return {"type": "measurement", "event_id": name, "occurred_at": time, **fields}


def _golden() -> Iterator[Event]:
    for number, text in enumerate(GOLDEN):
        for sample in text.split():
            quantity, moment = SPEED if sample[0] == "r" else TORQUE, int(sample[1:])
            yield _event(f"g{number}-{sample}", f"golden-{number}", moment, quantity, moment)


def _random(seed: int, order: int) -> Iterator[Event]:
    """Ties within and across series, gaps, bursts, and competitors of one time."""
    random = Random(f"machines/{seed}")
    moments = [random.randrange(0, 20_000, 100) for _ in range(12)]
    for number in range(60):
        moment = random.choice(moments) if number % 3 else random.randrange(20_000)
        quantity = random.choice((SPEED, TORQUE, SPEED, TORQUE, HEAT))
        result = random.randrange(-200, 1_600) / 2 if quantity == SPEED else random.randrange(16)
        name, thing = f"{seed}-{order}-{number}", f"{seed}-{order}-m"
        yield _event(name, thing, moment, quantity, float(result))


# the oracle ---------------------------------------------------------------------------------------


Joins = tuple[Join, ...]


def is_taken(event: Event, joins: Joins = BY_DEFAULT) -> bool:
    """Whether any join pairs it."""
    return any(join.takes(event) for join in joins)


def refused(events: list[Event], joins: Joins = BY_DEFAULT) -> int:
    """How many distinct events are duplicates of another of their machine, quantity and time."""
    joined = [e for e in events if is_taken(e, joins)]
    return len(joined) - len(_standing(joined))


def _standing(events: list[Event]) -> list[Event]:
    found: dict[tuple[str, str, int], Event] = {}
    for event in sorted(events, key=lambda e: (e["result"], e["event_id"])):
        found.setdefault((event["thing"], event["quantity"], at(event)), event)
    return list(found.values())


def _series(events: list[Event], join: Join) -> dict[str, dict[str, list[Event]]]:
    """What stands of what a join pairs, by machine and quantity."""
    things: dict[str, dict[str, list[Event]]] = defaultdict(lambda: {join.r: [], join.s: []})
    for event in _standing([e for e in events if join.takes(e)]):
        things[event["thing"]][event["quantity"]].append(event)
    return things


def pairs(events: list[Event], joins: Joins = BY_DEFAULT) -> list[Row]:
    """Every two measurements of which one is the other's previous or next, of one version."""
    return [
        _pair(r, s, join)
        for join in joins
        for series in _series(events, join).values()
        for r in series[join.r]
        for s in series[join.s]
        if abs(at(r) - at(s)) <= join.distance
        and (_is_next(r, s, series[join.s]) or _is_next(s, r, series[join.r]))
    ]


def _is_next(one: Event, other: Event, series: list[Event]) -> bool:
    """Whether nothing of the other's series is nearer to it on that side."""
    low, high = sorted((at(one), at(other)))
    return not any(low <= at(e) <= high and e is not other for e in series)


def _pair(r: Event, s: Event, join: Join) -> Row:
    return {
        "thing": r["thing"],
        "r_quantity": join.r,
        "r_time": at(r),
        "r_result": r["result"],
        "s_quantity": join.s,
        "s_time": at(s),
        "s_result": s["result"],
        "status": "final",
        "join_name": join.name,
        "join_version": join.version,
    }


def power(pair: Row) -> Row:
    """The power of a pair."""
    watts = math.pi / 30 * pair["r_result"] * pair["s_result"]
    moment = (pair["r_time"] + pair["s_time"]) // 2
    return {"thing": pair["thing"], "occurred_at": moment, "power": watts}


def of_power(joins: Joins) -> Joins:
    """The versions of the join whose pairs are power."""
    return tuple(join for join in joins if join.name == "power")


def reports(events: list[Event], joins: Joins = BY_DEFAULT) -> dict[tuple[str, int], Row]:
    """The rows of the report, by machine and bucket."""
    joins = of_power(joins)
    buckets: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for pair in sorted(
        pairs(events, joins), key=lambda p: (p["r_time"] + p["s_time"], p["r_time"])
    ):
        second = power(pair)["occurred_at"] // 1000
        buckets[pair["thing"], second - second % BUCKET].append(power(pair))
    times: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for pair, lasting in (found for join in joins for found in _durations(events, join)):
        second = power(pair)["occurred_at"] // 1000
        times[pair["thing"], second - second % BUCKET].append((power(pair)["power"], lasting))
    return {k: _report([row["power"] for row in rows], times[k]) for k, rows in buckets.items()}


def _durations(events: list[Event], join: Join) -> Iterator[tuple[Row, int]]:
    """The pairs of which both measurements are the newest ones for a while, and for how long."""
    moments = {
        thing: {quantity: [at(e) for e in found] for quantity, found in series.items()}
        for thing, series in _series(events, join).items()
    }
    for pair in pairs(events, (join,)):
        r, s = pair["r_time"], pair["s_time"]
        own, since = moments[pair["thing"]], max(r, s)
        known = {quantity: [m for m in found if m <= since] for quantity, found in own.items()}
        if (max(known[SPEED]), max(known[TORQUE])) == (r, s):
            later = [m for found in own.values() for m in found if m > since]
            end = join.end if join.end == NEVER else START + int(join.end)
            yield pair, int(min([*(m - since for m in later), join.distance, end - since]))


def _report(values: list[float], times: list[tuple[float, int]]) -> dict[str, Any]:
    exact = [Decimal(repr(v)).quantize(MICRO, ROUND_HALF_UP) for v in values]
    bands = {f"load_{band}": 0 for band in range(1, 6)}
    for watts, lasting in times:
        bands[f"load_{min(5, int(abs(watts) * 5 / RATED) + 1)}"] += lasting
    extremes = {"minimum": min(values), "maximum": max(values)}
    total = float(sum(exact))
    return {"count": len(values), "total": total, **extremes, "last": values[-1], **bands}
