"""What definitions become: Glue columns, JSON schemas, OpenAPI, the catalogue; reviewed like code.

After a change on purpose: `python -m tests.golden.test_renderings` writes the files again.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue import Catalog
from glue.targets.gluetable import glue_columns
from glue.targets.jsonschema import json_schema
from glue.targets.lake import lake_tables
from glue.targets.markdown import catalogue
from glue.targets.openapi import document
from tests.golden.made_up import FACTORY

FOLDER = Path(__file__).parent / "factory"
CATALOG = Catalog((FACTORY,))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _glue() -> str:
    return "".join(
        f"{table.parquet}: {table.doc}\n"
        + "".join(f"  {c.name} {c.type}  -- {c.comment}\n" for c in glue_columns(table.columns))
        for table in lake_tables(FACTORY)
    )


RENDERINGS: dict[str, Callable[[], str]] = {
    "catalogue.md": lambda: catalogue(CATALOG),
    "glue.txt": _glue,
    "openapi.json": lambda: _json(document(CATALOG)),
    "schemas.json": lambda: _json({s.name: json_schema(s) for s in FACTORY.schemas}),
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_the_rendering_is_the_reviewed_one(name: str) -> None:
    assert RENDERINGS[name]() == (FOLDER / name).read_text("utf-8")


if __name__ == "__main__":
    for each, render in RENDERINGS.items():
        (FOLDER / each).write_text(render(), "utf-8")
