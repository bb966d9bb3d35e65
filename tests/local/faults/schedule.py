"""Which fault happens when: the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple


class Planned(NamedTuple):
    """A fault, `pause` seconds after the one before; `dice` is the seed of its own choices."""

    number: int
    pause: float
    kind: str
    dice: int

    def __str__(self) -> str:
        return f"{self.number:3} after {self.pause:4.1f} s, {self.kind}"


def schedule(seed: int, faults: int, kinds: Sequence[str], gap: float) -> list[Planned]:
    """Faults that are `gap` seconds apart on average; no kind again before all had their turn."""
    random, bag, planned = Random(f"faults {seed}"), list[str](), list[Planned]()
    for number in range(1, faults + 1):
        bag = bag or random.sample(kinds, len(kinds))
        pause = random.uniform(0.2, 1.8) * gap
        planned.append(Planned(number, pause, bag.pop(), random.getrandbits(32)))
    return planned
