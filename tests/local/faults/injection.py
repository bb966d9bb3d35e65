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
    """What requests to services of the emulator meet with."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._numbers = settings, itertools.count(int(time.time()) * 1000)
        self._all: list[dict[str, Any]] = []
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
        """From now on requests meet with these, after those that none has met with; their numbers.

        A service that is seldom called, as S3 is, meets with its faults later.
        """
        met = Counter(number for number, _, _ in self._log())
        before = [f | {"count": f["count"] - met[f["number"]]} for f in self._all]
        due = [fault for fault in before if fault["count"] > 0]
        made = [f | {"number": f"n{next(self._numbers)}"} for f in faults]
        self._all += made
        files.write(self._file, json.dumps(due + made))
        return [fault["number"] for fault in made]

    def stop(self, numbers: Sequence[str]) -> int:
        """No more of these; how many requests have met with them."""
        met = Counter(number for number, _, _ in self._log())
        ended = set(numbers)
        self._all = [
            fault | {"count": met[fault["number"]]} if fault["number"] in ended else fault
            for fault in self._all
        ]
        self.begin([])
        return sum(met[number] for number in numbers)

    def end(self) -> None:
        """No more."""
        self._file.unlink(missing_ok=True)

    def met(self) -> Counter[str]:
        """How many requests have met with each kind of fault."""
        own = {fault["number"] for fault in self._all}
        return Counter(f"{service}: {kind}" for n, kind, service in self._log() if n in own)

    def await_met(self, numbers: Sequence[str], count: int, seconds: float) -> int:
        """Wait until `count` requests have met with these, at most `seconds`; how many have."""
        until = time.monotonic() + seconds
        while (met := sum(n in numbers for n, _, _ in self._log())) < count:
            if time.monotonic() > until:
                break
            time.sleep(LOOK)
        return met

    def _log(self) -> list[tuple[str, str, str]]:
        """What the launcher says has happened: number, kind and service."""
        log = emulator.service(self._settings).log.read_text(errors="replace")
        return re.findall(r"fault (n\d+): (\w+) (\w+)", log)
