"""A write that is safe to repeat and to reorder, and the port that carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from glue.errors import PlatformError
from glue.targets.dynamodb import Attribute, Item

# Each write waits for the network; the store's client has as many connections.
WRITERS = 16


class ItemRefused(PlatformError):
    """The store will never accept this item."""


@dataclass(frozen=True)
class Upsert:
    """Put `item` unless the table has one with the same key that is as new or newer.

    `key`: the key attributes. `rank`: the number attributes that order items by age, the most
    significant first; a report has generation and version. `measures`: the attributes summed in
    the total of its hash key, of which `decimals` are not integers; `latest`: those that the total
    has from its newest item; `minima` and `maxima`: those of which the total has the least and the
    greatest. An item with none of them is in no total.
    """

    table: str
    key: tuple[str, ...]
    rank: tuple[str, ...]
    item: Item
    measures: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    minima: tuple[str, ...] = ()
    maxima: tuple[str, ...] = ()
    decimals: frozenset[str] = frozenset()

    @property
    def is_totalled(self) -> bool:
        """Whether it counts in the total of its hash key."""
        return bool(self.measures or self.latest or self.minima or self.maxima)

    @property
    def identity(self) -> tuple[str, ...]:
        """The item it overwrites: the table and the values of its key."""
        return (self.table, *self._values(self.key))

    @property
    def owner(self) -> tuple[str, ...]:
        """The unit it changes: the total of its hash key, or only the item itself."""
        return (self.table, *self._values(self.key[:1])) if self.is_totalled else self.identity

    @property
    def newness(self) -> tuple[int, ...]:
        """The rank's values; the larger tuple is the newer item."""
        return self.rank_of(self.item)

    def rank_of(self, item: Mapping[str, Attribute]) -> tuple[int, ...]:
        """The rank's values in another item of the same key."""
        return tuple(int(item[name]["N"]) for name in self.rank)

    def _values(self, names: tuple[str, ...]) -> list[str]:
        return [value for name in names for value in self.item[name].values()]


class UpsertStore(Protocol):
    """Where items go. Called from several threads at once."""

    def put(self, upserts: Sequence[Upsert]) -> None:
        """Carry out the upserts of one owner; a stored item that is as new is a success.

        Raises StoreUnavailable if a later attempt may succeed, ItemRefused if an item will never be
        accepted: those before it may have been carried out, and repeating them is safe.
        """
