"""The ports to the page's archive and to the bucket that it is served from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Archives(Protocol):
    """Where a deployment puts what it packages."""

    def read(self, bucket: str, key: str) -> bytes:
        """The archive."""


class Site(Protocol):
    """The objects of one bucket."""

    def keys(self, bucket: str) -> Iterable[str]:
        """The keys of all objects."""

    def put(self, bucket: str, key: str, content: bytes, kind: str, cache: str) -> None:
        """Store an object with its media type and its Cache-Control."""

    def delete(self, bucket: str, keys: list[str]) -> None:
        """Remove objects; no error for one that does not exist."""
