"""Which sources the platform's processes were started from.

Templates of newer sources may need what an older emulator or worker does not do, so `up` ends
processes of other sources, saving their data, and starts them again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from sdpctl.local import emulator, files
from sdpctl.settings import Settings

# What the processes are made of; `requirements` stands for their libraries.
_PACKAGES = ("sdpctl", "glue", "features")
_SOURCES = (*((package, "*.py") for package in _PACKAGES), ("requirements", "*.txt"))


def is_outdated(settings: Settings) -> bool:
    """Whether the emulator runs and was started from other sources."""
    if not emulator.service(settings).process():
        return False
    with suppress(OSError):
        return _file(settings).read_text() != fingerprint(settings)
    return True


def remember(settings: Settings) -> None:
    """Note the sources of the processes that are started from now on."""
    files.write(_file(settings), fingerprint(settings))


def fingerprint(settings: Settings) -> str:
    """A digest of the sources as they are now."""
    digest = hashlib.sha256()
    for folder, pattern in _SOURCES:
        for path in sorted((settings.root / folder).rglob(pattern)):
            digest.update(f"{path.relative_to(settings.root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _file(settings: Settings) -> Path:
    return settings.home / "revision"
