"""A job's output: a tar.gz archive, of which only small known files are read."""

from __future__ import annotations

import io
from collections.abc import Container

from features.archives import UNREADABLE, whole

LARGEST = 200 * 1024 * 1024


def members(archive: bytes, names: Container[str]) -> dict[str, bytes]:
    """The files with these names at the top of an archive; empty if it cannot be read."""
    contents: dict[str, bytes] = {}
    try:
        with whole(io.BytesIO(archive)) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                content = tar.extractfile(member) if name in names else None
                if content and member.size <= LARGEST:
                    contents[name] = content.read()
    except UNREADABLE:
        return {}
    return contents
