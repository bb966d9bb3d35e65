"""The port to the store of definitions: every version, the newest of each, and the frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from glue.errors import PlatformError


@dataclass(frozen=True)
class Version:
    """One version of a definition; instants are epoch milliseconds.

    `sequence` counts the versions of the whole table. `ended`: from `valid_from` on there is no
    such definition. `checked` and `placeholders` are checked expressions, base64.
    """

    kind: str
    name: str
    version: int
    valid_from: int
    mode: str
    ended: bool
    body: Mapping[str, Any]
    written_at: int
    sequence: int
    checked: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frontier:
    """Nothing at or before `instant` can be added; `sequence` is the last version's."""

    instant: int = -1
    sequence: int = 0


class FrontierPassed(PlatformError):
    """The version would be valid at or before the frontier."""

    def __init__(self, instant: int) -> None:
        super().__init__(f"the frontier is at {instant}")
        self.instant = instant


class Overtaken(PlatformError):
    """Another version was written first: read again."""


class DefinitionsStore(Protocol):
    """Consistent reads; every method raises StoreUnavailable."""

    def frontier(self, table: str) -> Frontier:
        """Where the stream is, and what was written last."""

    def head(self, table: str, kind: str, name: str) -> Version | None:
        """The newest version of a definition."""

    def heads(self, table: str, kind: str | None, after: str, limit: int) -> Sequence[Version]:
        """The newest version of each definition, by kind and name; those after `kind#name`."""

    def history(
        self, table: str, kind: str, name: str, before: int, limit: int
    ) -> Sequence[Version]:
        """The versions of a definition below `before`, the newest first."""

    def write(self, table: str, version: Version) -> None:
        """Write it in one transaction, as the next of its name and of the table.

        Raises FrontierPassed, or Overtaken if another version was written since.
        """
