"""Writes docs/openapi.json; with `--check` fails when it is stale.

`python -m lambdas.ingest.openapi [--check]`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import usecases
from glue.targets.openapi import document
from glue.targets.predictions import add_predictions

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"


def render() -> str:
    """The page's text."""
    catalog = usecases.load()
    found = add_predictions(document(catalog), catalog)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; 1 when it is stale."""
    if arguments != ["--check"]:
        PAGE.write_text(render(), "utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text("utf-8") == render():
        return 0
    sys.stderr.write("docs/openapi.json is stale; run: python -m lambdas.ingest.openapi\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
