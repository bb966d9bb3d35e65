"""Writes the files that are rendered from definitions, or reports which are stale.

`python -m sdpctl.generated` writes, `--check` only compares. Both refuse a definition whose change
is not additive: the files under `schemas/` are the released versions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import usecases
from glue import Catalog, PlatformError, released
from glue.targets.jsonschema import Json
from glue.targets.markdown import catalogue
from infra import parameters
from lambdas import openapi
from sdpctl import commands_page

ROOT = Path(__file__).parent.parent
Rendering = Callable[[Catalog], Iterator[tuple[str, str]]]


def schemas(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """One JSON Schema per definition."""
    return ((path, _json(schema)) for path, schema in released.schemas(catalog))


def parameters_page(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The page about the parameters of a deployment."""
    yield "docs/parameters.md", parameters.page(catalog)


def catalogue_page(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The page about all use cases."""
    yield "docs/catalogue.md", catalogue(catalog)


def commands(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The page about the commands."""
    yield "docs/commands.md", commands_page.page()


def apis(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The OpenAPI document of the three APIs."""
    yield "docs/openapi.json", _json(openapi.whole(catalog))


RENDERINGS: tuple[Rendering, ...] = (schemas, catalogue_page, parameters_page, commands, apis)


def rendered(catalog: Catalog) -> dict[str, str]:
    """Every generated file: path from the root, and text."""
    return dict(pair for rendering in RENDERINGS for pair in rendering(catalog))


def stale(root: Path, files: dict[str, str]) -> list[str]:
    """The generated files that are missing or stale."""
    return [
        name
        for name, text in files.items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write or check; returns 1 if something is stale or incompatible."""
    catalog = usecases.load()
    try:
        released.check_released(root, catalog)
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    files = rendered(catalog)
    names = stale(root, files)
    if "--check" in arguments:
        for name in names:
            print(f"{name}: stale; run `python -m sdpctl.generated`", file=sys.stderr)
        return 1 if names else 0
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(files[name], "utf-8")
        print(name)
    return 0


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
