"""Machines that go on measuring while people look at the page (`make demo`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

from glue.instants import to_wire
from usecases.machines.generator import SPEED, TORQUE, Row

KEYS = ("press-1", "pump-1", "fan-1")
EVERY = timedelta(milliseconds=500)
ROUND = timedelta(minutes=2)  # of speed and torque


def events(start: datetime) -> Iterator[Row]:
    """Speed and torque of each machine in turns, in the order of their time, without end."""
    for turn in count():
        at = start + turn * EVERY
        quantity = (SPEED, TORQUE)[turn % 2]
        for number, thing in enumerate(KEYS):
            yield {
                "type": "measurement",
                "occurred_at": to_wire(at),
                "thing": thing,
                "quantity": quantity,
                "result": _result(quantity, number, turn),
            }


def _result(quantity: str, number: int, turn: int) -> float:
    """Rising and falling, of each machine at another moment, with a ripple."""
    phase = 2 * math.pi * (turn * EVERY / ROUND + number / len(KEYS))
    usual = 600.0 if quantity == SPEED else 8.0
    return round(usual * (1 + 0.5 * math.sin(phase) + 0.05 * math.sin(7 * phase)), 3)
