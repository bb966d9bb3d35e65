"""One OpenAPI document for all APIs.

Each path has the server of its API, whose address is an output of the deployment.
"""

from __future__ import annotations

from typing import Any, cast

from glue import Catalog
from glue.instants import EPOCH
from glue.limits import BODY_BYTES
from glue.targets.openapi import document, everywhere, problem, servers
from glue.targets.predictions import add_predictions
from lambdas.dashboard import app as dashboard
from lambdas.dashboard.views import Sources
from lambdas.definitions.openapi import add_definitions
from lambdas.ports.lake_rows import LakeRows
from lambdas.ports.report_store import ReportStore
from lambdas.reports.app import create_app
from lambdas.tables import Tables

REPORTS = "Reports"
DASHBOARD = "Dashboard"
_FASTAPIS = ("Problem", "HTTPValidationError", "ValidationError")
_INFO = {
    "title": "Streaming Data Platform",
    "description": "Send events, read reports and predictions, change definitions. Each API has "
    "its own address: `servers` of its paths has the name of the deployment's output. The API "
    "key is the same for all but the definitions and the dashboard, which have their own.",
}
Document = dict[str, Any]


def whole(catalog: Catalog) -> Document:
    """Ingestion, reports, predictions, definitions and dashboard in one document."""
    spec = add_predictions(_add_reports(document(catalog), catalog), catalog)
    spec = _add_dashboard(add_definitions(spec, catalog), catalog)
    return {**spec, "info": {**spec["info"], **_INFO}}


def _add_reports(spec: Document, catalog: Catalog) -> Document:
    own = _reports(catalog)
    paths = {path: _item(path, item) for path, item in own["paths"].items()}
    return _added(spec, own, paths, REPORTS, "Counts out.")


def _add_dashboard(spec: Document, catalog: Catalog) -> Document:
    """The page's own API, below the page's address."""
    lake = cast(LakeRows, None)
    sources = Sources(*[cast(Any, ())] * 9)  # nothing is read
    app = dashboard.create_app(catalog, lake, catalog.configured({}), lambda: EPOCH, sources)
    own = app.openapi()
    paths = {path: _of_the_page(path, item) for path, item in own["paths"].items()}
    return _added(spec, own, paths, DASHBOARD, "What the page reads beside the reports.")


def _added(spec: Document, own: Document, paths: Document, tag: str, doc: str) -> Document:
    schemas = {n: s for n, s in own["components"]["schemas"].items() if n not in _FASTAPIS}
    components = spec["components"]
    return {
        **spec,
        "tags": [*spec["tags"], {"name": tag, "description": doc}],
        "paths": {**spec["paths"], **paths},
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
    parts = [part for part in path.split("/") if part and "{" not in part][1:]
    operation = _operation(
        item, parts, REPORTS, "The counts.", "No events were counted under this key."
    )
    return {"servers": servers("UrlForReports"), "get": operation}


def _of_the_page(path: str, item: Document) -> Document:
    """A path of the dashboard, likewise."""
    parts = [part for part in path.split("/") if part and "{" not in part]
    absent = "There is no such use case, report, series or version."
    operations: Document = {
        method: _operation(item, parts, DASHBOARD, "What was found.", absent, method)
        for method in ("get", "post")
        if method in item
    }
    return {"servers": servers("UrlForDashboard"), **operations}


def _operation(
    item: Document, parts: list[str], tag: str, found: str, absent: str, method: str = "get"
) -> Document:
    operation = dict(item[method])
    answered = operation["responses"]["200"]
    return operation | {
        "operationId": "_".join([method, *parts]).replace("-", "_"),
        "tags": [tag],
        "responses": {
            "200": {**answered, "description": found},
            "400": problem("A parameter is invalid; the detail names it."),
            "404": problem(absent),
            **(_of_bodies() if "requestBody" in operation else {}),
            **everywhere(),
        },
    }


def _of_bodies() -> Document:
    return {
        "413": problem(f"The body has more than {BODY_BYTES} bytes."),
        "415": problem("The body is not JSON, or it is encoded."),
    }
