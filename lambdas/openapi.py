"""One OpenAPI document for all APIs.

Each path has the server of its API, whose address is an output of the deployment.
"""

from __future__ import annotations

from typing import Any, cast

from glue import Catalog
from glue.targets.openapi import document, everywhere, problem, servers
from glue.targets.predictions import add_predictions
from lambdas.definitions.openapi import add_definitions
from lambdas.ports.report_store import ReportStore
from lambdas.reports.app import create_app
from lambdas.tables import Tables

REPORTS = "Reports"
_FASTAPIS = ("Problem", "HTTPValidationError", "ValidationError")
_INFO = {
    "title": "Streaming Data Platform",
    "description": "Send events, read reports and predictions, change definitions. Each API has "
    "its own address: `servers` of its paths has the name of the deployment's output. The API "
    "key is the same for all but the definitions, which have their own.",
}
Document = dict[str, Any]


def whole(catalog: Catalog) -> Document:
    """Ingestion, reports, predictions and definitions in one document."""
    spec = add_predictions(_add_reports(document(catalog), catalog), catalog)
    spec = add_definitions(spec, catalog)
    return {**spec, "info": {**spec["info"], **_INFO}}


def _add_reports(spec: Document, catalog: Catalog) -> Document:
    own = _reports(catalog)
    schemas = {n: s for n, s in own["components"]["schemas"].items() if n not in _FASTAPIS}
    components = spec["components"]
    return {
        **spec,
        "tags": [*spec["tags"], {"name": REPORTS, "description": "Counts out."}],
        "paths": {**spec["paths"], **{p: _item(p, i) for p, i in own["paths"].items()}},
        "components": {**components, "schemas": {**components["schemas"], **schemas}},
    }


def _reports(catalog: Catalog) -> Document:
    """The OpenAPI document of the reports app."""
    reports = {f"{u.name}/{r.path}": r.name for u in catalog.use_cases for r in u.reports}
    app = create_app(
        catalog, cast(ReportStore, None), catalog.configured({}), Tables(reports, "progress")
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
            "400": problem("A parameter is invalid; the detail names it."),
            "404": problem("No events were counted under this key."),
            **everywhere(),
        },
    }
    return {"servers": servers("UrlForReports"), "get": operation}
