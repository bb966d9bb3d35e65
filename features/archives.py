"""Reads a tar.gz, and whether it is whole: gzip's checksum is behind what tar reads."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNREADABLE = (tarfile.TarError, OSError, EOFError, zlib.error)
"""What is raised for an archive that is missing, truncated, damaged, or none."""
LARGEST = 1 << 30
"""Bytes, unpacked."""


@contextmanager
def whole(archive: Path | BinaryIO) -> Iterator[tarfile.TarFile]:
    """The archive. Its rest is read at the end; only then is known that nothing is damaged.

    Raises one of UNREADABLE, tarfile.TarError also if it is larger than LARGEST.
    """
    with gzip.open(archive) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
        yield tar
        while plain.read(1 << 20):
            if plain.tell() > LARGEST:
                raise tarfile.ReadError(f"more than {LARGEST} bytes")
