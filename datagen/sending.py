"""The order of sending: events are repeated and shuffled, the same way each time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from random import Random

from datagen.occurrences import Event, Occurrence, Settings

REPEAT_WITHIN = timedelta(seconds=1)


def disturbed(
    occurrences: Iterable[Occurrence], settings: Settings, repeat: Callable[[Occurrence], None]
) -> Iterator[Event]:
    """The events in the order of sending; `repeat` receives each duplicate.

    Each event is delayed by up to `shuffle`, each copy by up to `shuffle` or a second.
    """
    random = Random(f"{settings.seed}/disturbed").random
    spread = settings.shuffle.total_seconds() * 1000
    copy_spread = max(spread, REPEAT_WITHIN.total_seconds() * 1000)
    if not spread and not settings.duplicates:
        yield from (occurrence.event for occurrence in occurrences)
        return
    waiting: list[tuple[float, int, Event]] = []
    number = 0
    for occurrence in occurrences:
        at, event = occurrence.at, occurrence.event
        while waiting and waiting[0][0] < at:
            yield heapq.heappop(waiting)[2]
        heapq.heappush(waiting, (at + random() * spread, number, event))
        number += 1
        if random() < settings.duplicates:
            repeat(occurrence)
            heapq.heappush(waiting, (at + random() * copy_spread, number, event))
            number += 1
    while waiting:
        yield heapq.heappop(waiting)[2]
