"""The port to rows of the lake's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lambdas.ports.business_events import LakeTooSlow, LakeUnavailable

__all__ = ["LakeRows", "LakeTooSlow", "LakeUnavailable", "Row"]

Row = Sequence[str | None]


class LakeRows(Protocol):
    """Answers SQL over one use case's tables."""

    def query(self, use_case: str, sql: str) -> Sequence[Row]:
        """The rows, each value as text. Raises LakeUnavailable."""

    def named(self, use_case: str, sql: str, seconds: float) -> Sequence[Mapping[str, Any]]:
        """The rows by column, numbers and booleans as such, within some seconds.

        Raises LakeUnavailable; LakeTooSlow if they took longer.
        """
