"""Publishes an archive of files: the page's parts first, the page itself last.

So nobody gets a page whose parts do not exist yet. Parts have a digest in their names and may be
kept by browsers for ever; the page is checked at each visit.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from glue.errors import PlatformError
from lambdas.ports.site import Archives, Site

INDEX = "index.html"
_PARTS = "assets/"
_FOREVER = "public, max-age=31536000, immutable"
_CHECKED = "no-cache"
# Not those of the machine: they differ.
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class PublishError(PlatformError):
    """The archive cannot be published."""


def publish(archives: Archives, site: Site, *, source: tuple[str, str], bucket: str) -> int:
    """Make the bucket's content that of the archive; returns the number of files."""
    files = _unpacked(archives.read(*source))
    if INDEX not in files:
        raise PublishError(f"{source[1]} has no {INDEX}; build the page with 'make build'")
    kinds = {key: _kind(key) for key in files}
    for key in sorted(files, key=lambda key: (key == INDEX, key)):
        cache = _FOREVER if key.startswith(_PARTS) else _CHECKED
        site.put(bucket, key, files[key], kinds[key], cache)
    if stale := sorted(set(site.keys(bucket)) - files.keys()):
        site.delete(bucket, stale)
    return len(files)


def withdraw(site: Site, bucket: str) -> None:
    """Empty the bucket, so that it can be deleted."""
    if keys := list(site.keys(bucket)):
        site.delete(bucket, keys)


def _unpacked(archive: bytes) -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {i.filename: packed.read(i) for i in packed.infolist() if not i.is_dir()}


def _kind(key: str) -> str:
    suffix = key[key.rfind(".") :]
    if suffix not in _KINDS:
        choices = ", ".join(_KINDS)
        raise PublishError(f"{key}: no media type is known for it; known: {choices}")
    return _KINDS[suffix]
