"""Faults that the emulator's launcher makes of requests: sdpctl/local/launcher/faults.py."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from sdpctl.local import emulator, files
from sdpctl.settings import Settings

KINDS = {
    "kinesis": ("refuse", "lose", "part", "twice", "reverse", "delay"),
    "dynamodb": ("refuse", "lose", "delay"),
    "s3": ("refuse", "lose", "delay"),
}
TIMED_OUT = 6.0  # seconds: the clients of the functions wait for five
LOOK = 0.05


class Injection:
    """What the next requests to a service of the emulator meet with."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._numbers = settings, itertools.count(int(time.time()) * 1000)
        self._file = settings.home / "emulator" / "state" / "faults.json"

    def all_kinds(self, service: str, random: Random) -> list[dict[str, Any]]:
        """Each kind of fault for one or two requests, in any order; one delay is a timeout."""
        kinds = random.sample(KINDS[service], len(KINDS[service]))
        late = {"seconds": random.choice((0.5, TIMED_OUT))}
        return [
            {"service": service, "kind": kind, "action": "", "count": random.randint(1, 2), **late}
            for kind in kinds
        ]

    def begin(self, faults: Sequence[dict[str, Any]]) -> list[str]:
        """From now on requests meet with these, each in its turn; their numbers."""
        numbers = [f"n{next(self._numbers)}" for _ in faults]
        numbered = [f | {"number": n} for f, n in zip(faults, numbers, strict=True)]
        files.write(self._file, json.dumps(numbered))
        return numbers

    def end(self) -> None:
        """No more."""
        self._file.unlink(missing_ok=True)

    def met(self, numbers: Sequence[str]) -> Counter[str]:
        """How many requests have met with each kind of these faults."""
        log = emulator.service(self._settings).log.read_text(errors="replace")
        found = re.findall(r"fault (n\d+): (\w+) ", log)
        return Counter(kind for number, kind in found if number in numbers)

    def await_met(self, numbers: Sequence[str], count: int, seconds: float) -> Counter[str]:
        """The same, once `count` requests have met with them or the time is over."""
        until = time.monotonic() + seconds
        while (met := self.met(numbers)).total() < count and time.monotonic() < until:
            time.sleep(LOOK)
        return met
