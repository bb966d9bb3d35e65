"""Random questions to a report, with the answers worked out here from its buckets.

Independent of the code that answers: whether a minute begins a period is read off a clock of the
time zone, minute by minute, as in `docs`: a period begins when the clock first shows its start, or
what follows a gap; minutes and hours that are shown twice begin twice.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx

Bucket = Mapping[str, int]
Ask = Callable[[str, dict[str, Any]], httpx.Response]
UNITS = ("MINUTES", "HOURS", "HALF_DAYS", "DAYS", "WEEKS", "MONTHS", "YEARS")
# Clocks that change by an hour and by half of one, at midnight, a minute after it, or never; one
# whose year lacks a day; and offsets that are no whole hours.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
)
FIRST, LAST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
SEED = int(os.environ.get("SDP_SEED", "1"))
MINUTE = 60


class Question(NamedTuple):
    """A range (epoch ms, half open), and how it is divided and paged."""

    low: int | None
    high: int | None
    unit: str
    zone: str
    desc: bool
    limit: int


def made_buckets(random: Random, count: int, names: tuple[str, ...]) -> dict[int, Bucket]:
    """Numbers at whole minutes over 16 years, half of them around changes of clocks."""
    changes = [at for zone in ZONES for at in _changes(zone)]
    span = int((LAST - FIRST).total_seconds()) // MINUTE
    start, found = int(FIRST.timestamp()), dict[int, Bucket]()
    while len(found) < count:
        near = random.choice(changes) + random.randint(-200, 200) * MINUTE
        at = random.choice((near, start + random.randrange(span) * MINUTE))
        found[at] = {name: random.randint(0, 1000) for name in names}
    return found


@lru_cache
def _changes(zone: str) -> tuple[int, ...]:
    """The minutes at which the clock was changed; where it never was, any one."""
    days = range(int(FIRST.timestamp()) - 366 * 86_400, int(LAST.timestamp()), 86_400)
    clock = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(day, clock).utcoffset() for day in days]
    changed = zip(days[1:], offsets, offsets[1:], strict=False)
    found = [_change(day - 86_400, day, clock) for day, a, b in changed if a != b]
    return tuple(found) or (days[0],)


def _change(low: int, high: int, clock: ZoneInfo) -> int:
    """The minute in (low, high] at which the offset changes."""
    before = datetime.fromtimestamp(low, clock).utcoffset()
    while high - low > MINUTE:
        middle = (low + high) // 2 // MINUTE * MINUTE
        if datetime.fromtimestamp(middle, clock).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def questions(random: Random, times: list[int], count: int) -> Iterator[Question]:
    """Random questions about buckets at these times."""

    def instant() -> int | None:
        at = random.choice(times) * 1000
        shifted = at + random.choice(
            (0, 0, 1, -1, 60_000, -60_000, random.randint(-(10**10), 10**10))
        )
        return random.choice((None, at, shifted, shifted))

    for _ in range(count):
        low, high = instant(), instant()
        if low is not None and high is not None and low > high:
            low, high = high, low
        unit, zone = random.choice(UNITS), random.choice(ZONES)
        pages = random.randint(1, 5)
        limit = random.choice((max(1, len(times) // pages), random.randint(1, 1000)))
        yield Question(low, high, unit, zone, random.random() < 0.5, min(1000, limit))


def check(
    ask: Ask, key: str, buckets: Mapping[int, Bucket], cases: int, seed: int = SEED
) -> Counter[str]:
    """Ask random questions and compare each answer; counts of what was compared."""
    random, compared = Random(seed), Counter[str]()
    for number, question in enumerate(questions(random, sorted(buckets), cases)):
        expected = rows(buckets, question)
        fields, where = _fields(question, random), f"SDP_SEED={seed}, question {number}: {question}"
        pages = list(_pages(ask, f"{key}/period", fields, question.limit))
        found = [row for page in pages for row in page]
        assert [_plain(row) for row in found] == expected, where
        assert all(len(page) == question.limit for page in pages[:-1]), where
        _check_sums(ask, key, buckets, question, fields, where)
        compared.update(questions=1, pages=len(pages), rows=len(found), sums=1)
    return compared


def _check_sums(
    ask: Ask, key: str, buckets: Mapping[int, Bucket], q: Question, fields: Any, where: str
) -> None:
    """The totals of the range are the sums over it."""
    range_ = {name: fields[name] for name in ("from", "to") if name in fields}
    answer = ask(key, range_)
    assert answer.status_code == 200, (where, answer.text)
    expected = _sum([buckets[at] for at in _chosen(buckets, q)], buckets)
    assert {n: answer.json()[n] for n in expected} == expected, where


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Without what a watermark says."""
    return {name: value for name, value in row.items() if name != "final"}


def _fields(question: Question, random: Random) -> dict[str, Any]:
    """The parameters, times in one form or another; those with a default now and then left out."""
    unit = random.choice((question.unit, question.unit.lower()))
    fields: dict[str, Any] = {"period": unit, "limit": question.limit}
    for name, at in (("from", question.low), ("to", question.high)):
        if at is not None:
            fields[name] = random.choice((str, _wire, _wire_of_zone))(at)
    if question.zone != "UTC" or random.random() < 0.5:
        fields["timezone"] = question.zone
    if question.desc or random.random() < 0.5:
        fields["desc"] = str(question.desc).lower()
    return fields


def _wire(at: int) -> str:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wire_of_zone(at: int) -> str:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at)
    return moment.astimezone(ZoneInfo("Asia/Kathmandu")).isoformat(timespec="milliseconds")


def _pages(ask: Ask, path: str, fields: dict[str, Any], limit: int) -> Iterator[list[Any]]:
    """Every page of an answer."""
    token: str | None = None
    for _ in range(2000):
        answer = ask(path, {**fields, **({"next": token} if token else {})})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        yield body["rows"]
        assert len(body["rows"]) <= limit
        token = body["next"]
        if token is None:
            return
    raise AssertionError("the pages do not end")


def rows(buckets: Mapping[int, Bucket], question: Question) -> list[dict[str, Any]]:
    """What the rows of the answer have to be, without `final`."""
    periods: dict[int, list[Bucket]] = {}
    for at in _chosen(buckets, question):
        start = start_of(question.unit, question.zone, at // MINUTE) * MINUTE
        periods.setdefault(start, []).append(buckets[at])
    clock = ZoneInfo(question.zone)
    return [
        {
            "period_start": datetime.fromtimestamp(start, clock).isoformat(timespec="seconds"),
            **_sum(periods[start], buckets),
        }
        for start in sorted(periods, reverse=question.desc)
    ]


def _chosen(buckets: Mapping[int, Bucket], question: Question) -> list[int]:
    """The starts of the buckets in the range."""
    low = question.low if question.low is not None else -(10**15)
    high = question.high if question.high is not None else 10**15
    return sorted(at for at in buckets if low <= at * 1000 < high)


def _sum(chosen: list[Bucket], buckets: Mapping[int, Bucket]) -> dict[str, int]:
    names = next(iter(buckets.values()))
    return {name: sum(bucket[name] for bucket in chosen) for name in names}


@lru_cache(100_000)
def start_of(unit: str, zone: str, minute: int) -> int:
    """The minute (since 1970) at which the period of a minute begins."""
    if unit in ("MINUTES", "HOURS"):
        while not _begins(unit, zone, minute):
            minute -= 1
        return minute
    reached = _reached(unit, zone, minute)
    low = minute - 370 * 1440
    while minute - low > 1:
        middle = (low + minute) // 2
        if _reached(unit, zone, middle) < reached:
            low = middle
        else:
            minute = middle
    return minute


def _begins(unit: str, zone: str, minute: int) -> bool:
    """Whether the clock shows the start of a minute or hour, or jumps forward into another one.

    One that is set back into the middle of an hour begins none: what it shows again until the next
    full hour belongs to the hour before.
    """
    if unit == "MINUTES":
        return True
    now, before = _shown(zone, minute), _shown(zone, minute - 1)
    return now.minute == 0 or (now.date(), now.hour) > (before.date(), before.hour)


def _reached(unit: str, zone: str, minute: int) -> tuple[date, int]:
    """The latest period that the clock has shown up to then, also where it was set back since."""
    changes = _changes(zone)
    last = bisect_right(changes, minute * MINUTE) - 1
    recent = last >= 0 and minute - changes[last] // MINUTE < 180
    return max(_period(unit, _shown(zone, minute - back)) for back in range(181 if recent else 1))


def _period(unit: str, shown: datetime) -> tuple[date, int]:
    day = shown.date()
    first = {
        "HALF_DAYS": day,
        "DAYS": day,
        "WEEKS": day - timedelta(days=day.weekday()),
        "MONTHS": day.replace(day=1),
        "YEARS": day.replace(month=1, day=1),
    }[unit]
    return first, shown.hour // 12 if unit == "HALF_DAYS" else 0


@lru_cache(400_000)
def _shown(zone: str, minute: int) -> datetime:
    return datetime.fromtimestamp(minute * MINUTE, ZoneInfo(zone))
