"""The lock of a model's endpoint, so that a run's release and a manual switch never interleave.

A run acquires it when it deploys, not before: training takes hours, too long to keep a bad champion
in service. Each later step of the release renews it, so that a stopped run blocks a person for at
most RUN_SECONDS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambdas.ports.training import ENDPOINT, Ledger
from lambdas.training.releasing import Release, ReleaseError

SWITCH_SECONDS = 300  # a switch takes less than its function's timeout of two minutes
RUN_SECONDS = 600  # between two steps of a release: trainingPollSeconds, 300 at most, and a step


@dataclass(frozen=True)
class EndpointLock:
    """The lock for one holder; it lasts `seconds` from each acquisition."""

    ledger: Ledger
    holder: str
    clock: Callable[[], datetime]
    seconds: int

    def acquire(self) -> bool:
        """Acquire or renew it; false while another holder has it."""
        second = self._second()
        return self.ledger.acquire(self.holder, second, second + self.seconds, ENDPOINT)

    def require(self) -> None:
        """Acquire or renew it. Raises ReleaseError with the holder's name while another has it."""
        if not self.acquire():
            other = self.ledger.holder(self._second(), ENDPOINT) or "another"
            raise ReleaseError(
                f"{other} has the lock of this model's endpoint: it is putting a version in "
                "service; try again in a few minutes"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Acquire it, and release it at the end. Raises ReleaseError while another has it."""
        self.require()
        try:
            yield
        finally:
            self.ledger.release(self.holder, ENDPOINT)

    def _second(self) -> int:
        return int(self.clock().timestamp())


@dataclass(frozen=True)
class RunRelease:
    """The steps of a run that change the endpoint or the champion.

    `compared_with` is the champion of the evaluation: if a person has put another version in
    service since, the verdict no longer applies. The run keeps the lock until it finishes.
    """

    release: Release
    lock: EndpointLock
    version: str
    compared_with: str | None

    def deploy(self) -> dict[str, Any]:
        """As `Release.deploy`; `moving` while another has the lock, `superseded` with a reason."""
        if not self.lock.acquire():
            return {"moving": True, "superseded": False, "config": ""}
        if reason := self._superseded():
            return {"moving": False, "superseded": True, "reason": reason}
        return {**self.release.deploy(self.version), "superseded": False}

    def promote(self, package_arn: str) -> dict[str, Any]:
        """As `Release.promote`; ReleaseError if the lock or the verdict is lost."""
        self.lock.require()
        if reason := self._superseded():
            raise ReleaseError(reason)
        return self.release.promote(self.version, package_arn, self.lock.clock())

    def roll_back(self, reason: str) -> dict[str, Any]:
        """As `Release.roll_back`; ReleaseError while another has the lock."""
        with self.lock.held():
            return self.release.roll_back(self.version, reason)

    def _superseded(self) -> str:
        current = self.release.champion()
        if current in (self.compared_with, self.version):
            return ""
        return (
            f"{self.version} was compared with {self.compared_with or 'no version'}, and "
            f"{current or 'no version'} has been put in service since: start another run"
        )
