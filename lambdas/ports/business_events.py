"""The port to the business events that the lake has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from glue.errors import PlatformError


class LakeUnavailable(PlatformError):
    """The lake cannot be read; the same request may succeed later."""


class LakeTooSlow(LakeUnavailable):
    """The lake did not answer in time."""


@dataclass(frozen=True)
class BusinessEvent:
    """What a pattern found, with the profile by which it was decided; absent fields are left out.

    `profile` and `profile_id` are None if it was decided without one. `unknown` is why the lake
    does not tell how it was decided; empty if it does.
    """

    fields: Mapping[str, Any]
    profile: Mapping[str, Any] | None = None
    profile_id: str | None = None
    unknown: str = ""


@dataclass(frozen=True)
class Newest:
    """The newest business events of a range, each once, and how many the range has in all."""

    total: int
    events: Sequence[BusinessEvent]


class BusinessEvents(Protocol):
    """What patterns found, as rows of the lake."""

    def between(
        self, use_case: str, kind: str, start: datetime, end: datetime, limit: int, seconds: float
    ) -> Newest:
        """Business events of a kind with start <= occurred_at < end, at most `limit`.

        Raises LakeUnavailable; LakeTooSlow if the lake has not answered within the seconds.
        """
