"""Small files that are read again: a write that fails leaves what was there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replace a file at once: readers, and a process after a crash, see the old or the new text.

    On a full disk the old text stays, and OSError is raised.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
