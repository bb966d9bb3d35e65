"""The names of the tables that persist writes and reports reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tables:
    """Where rows are: "use case/report path" → table, and the tables of progress and ledger."""

    reports: Mapping[str, str]
    progress: str
    ledger: str = ""
