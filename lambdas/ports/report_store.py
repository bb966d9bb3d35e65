"""The port to the store of reports that reads, and the error of reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from glue.errors import PlatformError
from glue.targets.dynamodb import Item


class StoreUnavailable(PlatformError):
    """The store did not respond; the same request may succeed later."""


class ReportStore(Protocol):
    """Consistent reads; both methods raise StoreUnavailable."""

    def get(self, table: str, key: Item) -> Item | None:
        """The item with that key, or None."""

    def items(
        self,
        table: str,
        key: tuple[str, Any],
        between: tuple[str, int, int],
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
        """Items of a hash key (name, attribute value) with low <= range key <= high, in order."""
