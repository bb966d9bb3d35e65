"""Groups what is sent into calls within a service's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(
    entries: Sequence[T], most: int, max_bytes: int, size: Callable[[T], int]
) -> Iterator[list[T]]:
    """The entries in order, at most `most` and `max_bytes` together; one that is larger alone."""
    batch: list[T] = []
    total = 0
    for entry in entries:
        weight = size(entry)
        if batch and (len(batch) == most or total + weight > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(entry)
        total += weight
    if batch:
        yield batch
