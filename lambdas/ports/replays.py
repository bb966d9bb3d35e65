"""The port to what is known of replays: the record that a dead letter was sent again as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import orjson


class State(StrEnum):
    """What is known of a letter's replay."""

    SENDING = "sending"
    """It is being sent, or whoever sent it has ended without storing a result."""
    UNKNOWN = "unknown"
    """It was sent and not answered: the record may be stored."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Replay:
    """The replay of one letter: the record that is or was sent, and its result.

    `at` is when the state began, `error` why the record was rejected or is unknown.
    """

    use_case: str
    letter: str
    record: bytes
    state: State
    at: datetime
    error: str = ""

    @property
    def event_id(self) -> str:
        """The id of the record."""
        return str(orjson.loads(self.record)["event_id"])


class Replays(Protocol):
    """Where replays are stored; each operation raises StoreUnavailable."""

    def find(self, use_case: str, letter: str) -> Replay | None:
        """The replay of a letter, from a consistent read; None before the first."""

    def advance(self, replay: Replay, before: Replay | None) -> bool:
        """Stores it if what is stored is still in the state, and of the time, of `before`.

        Returns whether it was; of two that replace the same one, one is.
        """

    def accept(self, replay: Replay) -> bool:
        """Stores that its record was accepted, unless another record is stored by now.

        Returns whether it was.
        """
