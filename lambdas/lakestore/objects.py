"""The port to the lake's bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, order=True)
class StoredObject:
    """An object in a listing; `etag` changes with its content."""

    key: str
    size: int
    etag: str = ""


class Objects(Protocol):
    """The lake's bucket. Writes are atomic, and listed immediately."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level down that contain objects, sorted, each ending in `/`."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects with this key prefix, sorted by key."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is no such object."""

    def write(self, key: str, content: bytes, content_type: str = "") -> None:
        """Store the content, replacing any object with this key."""

    def copy(self, source: str, key: str) -> None:
        """Store the bytes of another object under this key."""

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        """Store it and return the ETag; None unless the key is free or has the ETag `replaced`."""

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; objects that no longer exist are ignored."""


def content(objects: Objects, key: str) -> bytes | None:
    """An object's content; None if there is no such object."""
    stored = objects.read(key)
    return None if stored is None else stored[0]
