"""The code of functions that tests create on the emulator."""

from __future__ import annotations

import io
import zipfile


def zipped(source: str) -> bytes:
    """An archive with this source as the module `index`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()
