"""The released schemas, `schemas/{use case}/{name}.json`: a definition may only add to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from glue.catalog import Catalog
from glue.compatibility import check
from glue.errors import CompatibilityError
from glue.targets.jsonschema import Json, json_schema

SCHEMAS = "schemas"


def schemas(catalog: Catalog) -> Iterator[tuple[str, Json]]:
    """One JSON Schema per definition, with its path from the root."""
    for use_case in catalog.use_cases:
        for schema in use_case.schemas:
            yield f"{SCHEMAS}/{use_case.name}/{schema.name}.json", json_schema(schema)


def check_released(root: Path, catalog: Catalog) -> None:
    """Compare with the released schemas. CompatibilityError lists all incompatible changes."""
    current = dict(schemas(catalog))
    problems = []
    for path in sorted((root / SCHEMAS).rglob("*.json")):
        try:
            name = path.relative_to(root).as_posix()
            check(json.loads(path.read_text("utf-8")), current.get(name))
        except CompatibilityError as error:
            problems.append(str(error))
    if problems:
        raise CompatibilityError("\n".join(problems))
