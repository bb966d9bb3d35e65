"""A generation's files and sources, as stored beside its folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from lambdas.lakestore.objects import StoredObject


@dataclass(frozen=True)
class Merged:
    """The result of merging: files written, and the rows before and after."""

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
        """The stored result."""
        merged = orjson.loads(content)
        return cls(_objects(merged["files"]), merged["rows_read"], merged["rows_written"])


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
        """The stored manifest."""
        manifest = orjson.loads(content)
        merged = Merged.from_json(orjson.dumps(manifest["merged"]))
        return cls(manifest["generation"], merged, _objects(manifest["absorbed"]))


def _objects(objects: list[dict[str, Any]]) -> tuple[StoredObject, ...]:
    return tuple(StoredObject(**one) for one in objects)
