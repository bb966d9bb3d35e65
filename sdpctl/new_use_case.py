"""The folder of a new use case, from the text of docs/use-cases.md: the page is the template."""

from __future__ import annotations

import re
from pathlib import Path

from sdpctl.errors import CommandError

PAGE = "docs/use-cases.md"
EXAMPLE = "turnstiles"
_FILE = re.compile(r"^`(usecases/[^`]+)`\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_NAMES = re.compile(r"^NAMES = \((.*)\)$", re.MULTILINE)


def files(page: str, name: str) -> dict[str, str]:
    """The page's files, path and text, for a use case of that name."""
    return {
        path.replace(EXAMPLE, name): text.replace(EXAMPLE, name)
        for path, text in _FILE.findall(page)
    }


def create(root: Path, name: str) -> list[Path]:
    """Write the folder and the name in the catalog; what was written. Raises CommandError."""
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"{name!r}: a name has 1 to 20 lower case letters, digits and underscores, a letter "
            "first"
        )
    folder = root / "usecases" / name
    if folder.exists():
        raise CommandError(f"{folder} exists already; choose another name, or remove it")
    written = []
    for path, text in files((root / PAGE).read_text("utf-8"), name).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
        written.append(root / path)
    return [*written, enter(root / "usecases" / "__init__.py", name)]


def enter(catalog: Path, name: str) -> Path:
    """Add the name to the catalog's line `NAMES = (…)`; its path. Raises CommandError."""
    text = catalog.read_text("utf-8")
    found = _NAMES.search(text)
    if found is None:
        raise CommandError(f"{catalog}: has no line `NAMES = (…)`; add {name!r} to its names")
    names = [part.strip() for part in found[1].split(",") if part.strip()]
    line = f"NAMES = ({', '.join([*names, repr(name).replace(chr(39), chr(34))])})"
    catalog.write_text(text.replace(found[0], line), "utf-8")
    return catalog
