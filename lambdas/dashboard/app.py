"""The page's own HTTP API: what is deployed, the keys of reports, dead letters, and the views.

It answers the page alone, which has the same origin: browsers let no other site read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from glue import Catalog, Schema, UseCase
from glue.parameters import Parameters
from lambdas.dashboard import keys, letters
from lambdas.dashboard.describing import Description, describe
from lambdas.dashboard.routes import Deployed, add, add_unavailable, install_bad_field
from lambdas.dashboard.views import Sources, add_views
from lambdas.http import queries
from lambdas.http.app import new_app
from lambdas.http.paths import EncodedSlashes
from lambdas.http.queries import NotFound
from lambdas.ports.lake_rows import LakeRows, LakeUnavailable

FAULT = "internal error; send the request again"


def create_app(
    catalog: Catalog,
    lake: LakeRows,
    parameters: Mapping[str, Parameters],
    now: Callable[[], datetime],
    sources: Sources,
) -> FastAPI:
    """The routes over every use case of the catalog; `now` is UTC."""
    app = new_app("Dashboard", fault=FAULT, origins=())
    app.add_middleware(EncodedSlashes)
    queries.install(app)
    install_bad_field(app)
    add_unavailable(app, LakeUnavailable, "the lake cannot be read now")
    described = describe(catalog, parameters, sources.audited)
    routes = _Routes(catalog, lake, described, now)
    add(app, "/catalog", routes.catalog, Description)
    add(app, "/keys/{use_case}/{report}", routes.keys, keys.Keys, keys.KeysQuery)
    grouped, listed = letters.Groups, letters.Letters
    add(app, "/dead-letters/{use_case}/groups", routes.groups, grouped, letters.LettersQuery)
    add(app, "/dead-letters/{use_case}", routes.letters, listed, letters.ListQuery)
    add_views(app, catalog, sources, parameters, now)
    return app


class _Routes:
    """Each calls the lake in a thread of the framework, and returns its answer."""

    def __init__(
        self,
        catalog: Catalog,
        lake: LakeRows,
        described: Description,
        now: Callable[[], datetime],
    ) -> None:
        self._use_case = Deployed(catalog).use_case
        self._lake, self._now = lake, now
        self._description = described.model_dump()

    def catalog(self) -> JSONResponse:
        """The deployed use cases, their reports and kinds of definitions."""
        return JSONResponse(self._description)

    def keys(
        self, use_case: str, report: str, query: Annotated[keys.KeysQuery, Query()]
    ) -> JSONResponse:
        """The keys of a report that were counted today or yesterday."""
        of = self._use_case(use_case)
        return JSONResponse(keys.keys(self._lake, of, _report(of, report), query, self._now()))

    def groups(
        self, use_case: str, query: Annotated[letters.LettersQuery, Query()]
    ) -> JSONResponse:
        """Dead letters counted by stage, reason and field. They arrive after a minute or two."""
        of = self._use_case(use_case)
        return JSONResponse(letters.groups(self._lake, of.name, query, self._now()))

    def letters(self, use_case: str, query: Annotated[letters.ListQuery, Query()]) -> JSONResponse:
        """Dead letters with their original bytes, the newest first."""
        of = self._use_case(use_case)
        return JSONResponse(letters.letters(self._lake, of.name, query, self._now()))


def _report(use_case: UseCase, path: str) -> Schema:
    for report in use_case.reports:
        if report.path == path:
            return report
    choices = ", ".join(report.path for report in use_case.reports)
    raise NotFound(f"{use_case.name} has no report {path!r}; reports: {choices}")
