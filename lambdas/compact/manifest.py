"""What a generation consists of and was made from, as it is stored beside its folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from lambdas.compact.ports import StoredObject


@dataclass(frozen=True)
class Merged:
    """The outcome of merging: files written, and the rows before and after."""

    files: tuple[StoredObject, ...]
    rows_read: int
    rows_written: int

    def __add__(self, other: Merged) -> Merged:
        return Merged(
            self.files + other.files,
            self.rows_read + other.rows_read,
            self.rows_written + other.rows_written,
        )

    def to_json(self) -> bytes:
        """As `from_json` reads it."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, content: bytes) -> Merged:
        """The outcome that was stored."""
        found = orjson.loads(content)
        return cls(_objects(found["files"]), found["rows_read"], found["rows_written"])


NOTHING = Merged((), 0, 0)


@dataclass(frozen=True)
class Manifest:
    """A complete generation. `absorbed` are the delivered objects whose rows are in it."""

    generation: str
    merged: Merged
    absorbed: tuple[StoredObject, ...]

    def to_json(self) -> bytes:
        """As `from_json` reads it."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """The manifest that was stored."""
        found = orjson.loads(content)
        merged = Merged.from_json(orjson.dumps(found["merged"]))
        return cls(found["generation"], merged, _objects(found["absorbed"]))


def _objects(found: list[dict[str, Any]]) -> tuple[StoredObject, ...]:
    return tuple(StoredObject(**one) for one in found)
