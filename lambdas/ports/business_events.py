"""The port to the business events that the lake has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from glue.errors import PlatformError


class LakeUnavailable(PlatformError):
    """The lake did not answer in time; the same request may succeed later."""


class BusinessEvents(Protocol):
    """What patterns found, as rows of the lake."""

    def between(
        self, use_case: str, kind: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Business events of a kind with start <= occurred_at < end, the newest first, by field.

        At most `limit`. A row that the lake has twice may be there twice. Raises LakeUnavailable.
        """
