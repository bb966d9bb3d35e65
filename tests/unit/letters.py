"""Dead letters as rows of the lake, and changes of them that a comparison has to notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]
Change = Callable[[Rows], Rows]


def without(reason: str) -> Change:
    """One of this reason is lost."""

    def change(rows: Rows) -> Rows:
        lost = next(row for row in rows if row["reason"] == reason)
        return [row for row in rows if row is not lost]

    return change
