"""The made-up use cases of `tests/usecases`: made-up events, and what must come of them by force.

Each oracle looks at all events at once and counts; it knows nothing of streams or of time that
passes. Every event is sent once or twice and all are shuffled by less than the watermark's delay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from glue.instants import from_millis, to_millis, to_wire

START = to_millis(datetime(2026, 11, 21, 10, tzinfo=UTC))
SHUFFLE_MS = 4_000
DELAY_MS = 5_000  # WatermarkDelay
BUCKET = 300
Event = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """Distinct events by stream, in the order of their time.

    `delays` are how long after their time some arrive, by id (ms); others arrive at random.
    """

    streams: dict[str, list[Event]]
    delays: Mapping[str, int] = field(default_factory=dict)

    def sent(self, seed: int) -> dict[str, list[Event]]:
        """Each of them once or twice, all shuffled: in the order of arrival."""
        random = Random(seed)
        return {s: _sent(events, random, self.delays) for s, events in self.streams.items()}


def _sent(events: list[Event], random: Random, delays: Mapping[str, int]) -> list[Event]:
    copies = [e for e in events for _ in range(1 + (random.random() < 0.2))]
    arrival = [at(e) + delays.get(e["event_id"], random.random() * SHUFFLE_MS) for e in copies]
    return [copies[n] for n in sorted(range(len(copies)), key=arrival.__getitem__)]


def moment(text: str) -> datetime:
    """A time as events and results have it."""
    return datetime.fromisoformat(text)


def at(event: Event) -> int:
    """The event's time, epoch milliseconds."""
    return to_millis(datetime.fromisoformat(event["occurred_at"]))


def _event(kind: str, number: object, moment: int, **fields: Any) -> Event:
    time = to_wire(from_millis(moment))
    return {"type": kind, "event_id": f"{kind}-{number}", "occurred_at": time, **fields}


def _bucket(event: Event, seconds: int = BUCKET) -> int:
    second = at(event) // 1000
    return second - second % seconds


def _made(events: dict[str, list[Event]]) -> Made:
    return Made({stream: sorted(found, key=at) for stream, found in events.items()})


# parcels: ordered, packed, sent -----------------------------------------------------------------

WINDOW_MS = 30 * 60_000


def parcels(
    number: int = 300, start: int = START, window_ms: int = WINDOW_MS, name: str = "p"
) -> Made:
    """Parcels with any of their steps missing, and some that are sent too late.

    The last step of 300 of them is at most two windows after the start.
    """
    random, events, step = Random("parcels"), [], window_ms // 3
    for n in range(number):
        ordered = start + n * window_ms // 900
        packed = ordered + random.randrange(1, step)
        sent = packed + random.randrange(1, step) + (random.random() < 0.1) * window_ms
        parcel = f"{name}{n}"
        steps = [
            _event("ordered", parcel, ordered, parcel=parcel, shop=n % 3, price=100 + n),
            _event("packed", parcel, packed, parcel=parcel, weight=n / 8),
            _event("sent", parcel, sent, parcel=parcel),
        ]
        events += [step for step in steps if random.random() < 0.93]
    return _made({"steps": events})


@dataclass(frozen=True)
class Counted:
    """What must come of the parcels' events."""

    shops: dict[tuple[int, int], tuple[int, int, int]]
    sendings: dict[str, Row]
    unmatched: set[str]


def count_parcels(made: Made, window_ms: int = WINDOW_MS, bucket: int = BUCKET) -> Counted:
    """By force: a step counts if all steps before it are there, within the window of the first."""
    keys: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in made.streams["steps"]:
        keys[event["parcel"]][event["type"]] = event
    shops: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    sendings, unmatched = {}, set()
    for steps in keys.values():
        matched: dict[str, Event] = {}
        for place, kind in enumerate(("ordered", "packed", "sent")):
            step = steps.get(kind)
            if step is None:
                continue
            first = matched.get("ordered", step)
            if len(matched) == place and at(step) - at(first) <= window_ms:
                matched[kind] = step
            else:
                unmatched.add(step["event_id"])
        for place, kind in ((0, "ordered"), (1, "sent")):
            if kind in matched:
                shops[matched["ordered"]["shop"], _bucket(matched[kind], bucket)][place] += 1
        if "ordered" in matched:
            order = matched["ordered"]
            shops[order["shop"], _bucket(order, bucket)][2] += order["price"]
        if "sent" in matched:
            sendings[matched["sent"]["event_id"]] = _sending(matched)
    return Counted({k: tuple(v) for k, v in shops.items()}, sendings, unmatched)  # type: ignore[misc]


def _sending(steps: dict[str, Event]) -> Row:
    taken = {n: steps["ordered"][n] for n in ("parcel", "shop", "price")}
    return {**taken, "weight": steps["packed"]["weight"], "event_id": steps["sent"]["event_id"]}


# doors: several refusals, then an entry ----------------------------------------------------------

ENTRY_MS, REFUSALS = 10 * 60_000, 3


def doors(number: int = 600) -> Made:
    """Attempts of some badges; no two of one badge at one time."""
    random, events, clock = Random("doors"), [], defaultdict(lambda: START)
    for n in range(number):
        badge = f"b{random.randrange(12)}"
        clock[badge] += random.randrange(1_000, 240_000)
        granted = random.random() < 0.3
        events.append(_event("attempt", n, clock[badge], badge=badge, granted=granted))
    return _made({"attempts": events})


def last_attempts(made: Made) -> list[Event]:
    """Some in any shard after which every entry before them is certain."""
    later = max(map(at, made.streams["attempts"])) + 2 * ENTRY_MS
    return [_event("attempt", f"last{n}", later, badge="nobody's", granted=True) for n in range(20)]


def late_attempts(made: Made) -> list[Event]:
    """Some in any shard that are behind every watermark after the last attempts: forced entries."""
    first = at(last_attempts(made)[0]) - DELAY_MS - REFUSALS
    return [event for n in range(5) for event in _forced(f"late{n}", first)]


Entry = tuple[str, datetime, datetime, int]
"""A badge, its first refusal, when it opened, and how many refusals."""


def entry(row: Row) -> Entry:
    """A row of the results, whose times may be written otherwise than those of the events."""
    return row["badge"], moment(row["first_at"]), moment(row["opened_at"]), row["refusals"]


def forced_entries(made: Made) -> set[Entry]:
    """By force: before each entry, the longest run of refusals that is within the window."""
    badges: dict[str, list[Event]] = defaultdict(list)
    for event in made.streams["attempts"]:
        badges[event["badge"]].append(event)
    return {found for attempts in badges.values() for found in _entries(attempts)}


@dataclass(frozen=True)
class Arrived:
    """Attempts in the order of arrival; those in time, and the ids of those too late."""

    attempts: list[Event]
    in_time: Made
    late: set[str]


def at_the_watermark(made: Made, sent: list[Event]) -> Arrived:
    """What is sent of the doors, with more attempts right behind some by which event time goes on.

    Each time three refusals and an opening of a new badge from 1 ms after the watermark on, the
    same of another one up to the watermark itself, and two late attempts of a badge that is used.
    """
    arrived: list[Event] = []
    more: list[Event] = []
    late: set[str] = set()
    newest, next_ = at(sent[0]), 20
    for number, event in enumerate(sent):
        arrived.append(event)
        # The watermark follows at once.
        if number >= next_ and at(event) > newest + 1_000:
            watermark = at(event) - DELAY_MS
            in_time = list(_forced(f"timely{number}", watermark + 1))
            behind = [
                *_forced(f"late{number}", watermark - REFUSALS),
                *_late(event["badge"], number, watermark),
            ]
            arrived += [*in_time, *behind]
            more += in_time
            late |= {e["event_id"] for e in behind}
            next_ = number + 50
        newest = max(newest, at(event))
    return Arrived(arrived, _made({"attempts": [*made.streams["attempts"], *more]}), late)


def _late(badge: str, number: int, watermark: int) -> list[Event]:
    """An opening at the watermark, and a refusal minutes before it."""
    return [
        _event("attempt", f"opening{number}", watermark, badge=badge, granted=True),
        _event("attempt", f"old{number}", watermark - ENTRY_MS // 3, badge=badge, granted=False),
    ]


def _forced(badge: str, first: int) -> Iterator[Event]:
    """As many refusals as an entry needs, 1 ms apart, and the opening after them."""
    for number in range(REFUSALS + 1):
        granted = number == REFUSALS
        name = f"{badge}-{number}"
        yield _event("attempt", name, first + number, badge=badge, granted=granted)


def _entries(attempts: list[Event]) -> Iterator[Entry]:
    run: list[Event] = []
    for attempt in attempts:
        if not attempt["granted"]:
            run.append(attempt)
            continue
        within = [r for r in run if at(attempt) - at(r) <= ENTRY_MS]
        if len(within) >= REFUSALS:
            first = moment(within[0]["occurred_at"])
            yield attempt["badge"], first, moment(attempt["occurred_at"]), len(within)
        run = []


# rides: requests and pickups ---------------------------------------------------------------------

PICKUP_MS = 15 * 60_000


def rides(number: int = 400) -> Made:
    """Requests, most of them with a pickup, some of those too late."""
    random, requests, pickups = Random("rides"), [], []
    for n in range(number):
        requested = START + n * 3_000
        requests.append(_event("request", n, requested, ride=f"r{n}", zone=f"z{n % 4}"))
        if random.random() < 0.85:
            picked = requested + random.randrange(0, 20 * 60_000)
            fare = random.randrange(100, 9_999) / 100
            pickups.append(_event("pickup", n, picked, ride=f"r{n}", fare=fare))
    return _made({"ride-requests": requests, "pickups": pickups})


def drives(made: Made) -> dict[str, Row]:
    """By force: each pickup within the window after the request of its ride."""
    requests = {e["ride"]: e for e in made.streams["ride-requests"]}
    found = {}
    for pickup in made.streams["pickups"]:
        request = requests[pickup["ride"]]
        if 0 <= at(pickup) - at(request) <= PICKUP_MS:
            found[pickup["event_id"]] = {**request, **pickup, "requested": request["occurred_at"]}
    return found


def zones(made: Made) -> dict[tuple[str, int], tuple[int, float]]:
    """Rides and fares of each zone and bucket, added up exactly."""
    rows: dict[tuple[str, int], list[Fraction]] = defaultdict(list)
    for drive in drives(made).values():
        rows[drive["zone"], _bucket(drive)].append(Fraction(str(drive["fare"])))
    return {key: (len(fares), float(sum(fares))) for key, fares in rows.items()}


def last_fares(made: Made) -> dict[tuple[str, int], tuple[str, float]]:
    """The last ride of each zone and bucket."""
    rows: dict[tuple[str, int], Row] = {}
    for drive in sorted(drives(made).values(), key=lambda d: (at(d), d["ride"])):
        rows[drive["zone"], _bucket(drive)] = drive
    return {key: (drive["ride"], drive["fare"]) for key, drive in rows.items()}


def copies(sent: list[Event]) -> int:
    """How many of these events are repetitions."""
    return sum(n - 1 for n in Counter(e["event_id"] for e in sent).values())


def in_order(events: list[Event]) -> bool:
    """Whether they are in the order of their time."""
    return all(at(a) <= at(b) for a, b in pairwise(events))
