"""The lock of a model's endpoint: a run's release and a person's switch never interleave.

A run takes it when it deploys, not before: training takes hours, and a bad champion cannot wait for
them. Each later step of the release renews it, so that a run that was stopped blocks a person for
RUN_SECONDS at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambdas.training.ports import ENDPOINT, Ledger
from lambdas.training.releasing import Release, ReleaseError

SWITCH_SECONDS = 300  # a switch takes less than its function's timeout of two minutes
RUN_SECONDS = 600  # between two steps of a release: trainingPollSeconds, 300 at most, and a step


@dataclass(frozen=True)
class EndpointLock:
    """The lock for one holder, for `seconds` from each time that it is acquired."""

    ledger: Ledger
    holder: str
    clock: Callable[[], datetime]
    seconds: int

    def acquire(self) -> bool:
        """Take or renew it; false while another holder has it."""
        second = self._second()
        return self.ledger.acquire(self.holder, second, second + self.seconds, ENDPOINT)

    def require(self) -> None:
        """Take or renew it; ReleaseError names the holder where another has it."""
        if not self.acquire():
            other = self.ledger.holder(self._second(), ENDPOINT) or "another"
            raise ReleaseError(
                f"{other} has the lock of this model's endpoint: it is putting a version in "
                "service; try again in a few minutes"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take it, and give it back at the end; ReleaseError where another has it."""
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
    service since, the verdict does not hold. The lock stays with the run until it finishes.
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
