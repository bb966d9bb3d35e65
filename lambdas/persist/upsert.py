"""A write that is safe to repeat and to reorder, and the port that carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from glue.errors import PlatformError
from glue.targets.dynamodb import Item


class Unavailable(PlatformError):
    """The store did not take a request now; the same request may succeed later."""


class Refused(PlatformError):
    """The store will never take this item."""


@dataclass(frozen=True)
class Upsert:
    """Put `item` unless the table holds one of the same key that is as new or newer.

    `key` names the key attributes. `rank` names the number attributes that say what is newer,
    the most significant first: a report's are generation, version.
    """

    table: str
    key: tuple[str, ...]
    rank: tuple[str, ...]
    item: Item

    @property
    def identity(self) -> tuple[str, ...]:
        """What it overwrites: the table and the values of its key."""
        values = [value for name in self.key for value in self.item[name].values()]
        return (self.table, *values)

    @property
    def newness(self) -> tuple[int, ...]:
        """The rank's values; the larger tuple is the newer item."""
        return tuple(int(self.item[name]["N"]) for name in self.rank)


class Store(Protocol):
    """Where items go. Called from several threads at once."""

    def put_if_newer(self, upsert: Upsert) -> None:
        """Carry it out; an item held that is as new is a success.

        Raises Unavailable for what a later attempt may cure, Refused for what none will.
        """
