"""Writes docs/openapi.json, one document of all three APIs; with `--check` fails when it is stale.

Each path names the server of its API, whose address is an output of the deployment.
`python -m lambdas.ingest.openapi [--check]`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import usecases
from glue import Catalog
from glue.targets.openapi import document, everywhere, problem, servers
from glue.targets.predictions import add_predictions
from lambdas.reports.app import create_app
from lambdas.reports.store import Store
from lambdas.tables import Tables

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"
REPORTS = "Reports"
_FASTAPIS = ("Problem", "HTTPValidationError", "ValidationError")
_INFO = {
    "title": "Streaming Data Platform",
    "description": "Events in, reports and predictions out. Each of the three APIs has an address "
    "of its own, which `servers` of its paths names by the output of the deployment; the API key "
    "is the same for all.",
}
Document = dict[str, Any]


def whole(catalog: Catalog) -> Document:
    """Ingestion, reports and predictions in one document."""
    found = add_predictions(_add_reports(document(catalog), catalog), catalog)
    return {**found, "info": {**found["info"], **_INFO}}


def render() -> str:
    """The page's text."""
    return json.dumps(whole(usecases.load()), indent=2, ensure_ascii=False) + "\n"


def _add_reports(found: Document, catalog: Catalog) -> Document:
    own = _reports(catalog)
    schemas = {n: s for n, s in own["components"]["schemas"].items() if n not in _FASTAPIS}
    components = found["components"]
    return {
        **found,
        "tags": [*found["tags"], {"name": REPORTS, "description": "Counts out."}],
        "paths": {**found["paths"], **{p: _item(p, i) for p, i in own["paths"].items()}},
        "components": {**components, "schemas": {**components["schemas"], **schemas}},
    }


def _reports(catalog: Catalog) -> Document:
    """What the reports' app says of itself; it is asked nothing else."""
    reports = {f"{u.name}/{r.path}": r.name for u in catalog.use_cases for r in u.reports}
    app = create_app(
        catalog, cast(Store, None), catalog.configured({}), Tables(reports, "progress")
    )
    return app.openapi()


def _item(path: str, item: Document) -> Document:
    """A report's path, with its server, a name and the answers of every API."""
    operation = dict(item["get"])
    parts = [part for part in path.split("/") if part and "{" not in part][1:]
    answered = operation["responses"]["200"]
    operation |= {
        "operationId": "_".join(["get", *parts]).replace("-", "_"),
        "tags": [REPORTS],
        "responses": {
            "200": {**answered, "description": "The counts."},
            "400": problem("A parameter is wrong; it is named."),
            "404": problem("Nothing was counted under this key."),
            **everywhere(),
        },
    }
    return {"servers": servers("UrlForReports"), "get": operation}


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
