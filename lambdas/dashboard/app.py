"""The page's own HTTP API: what is deployed, the keys of reports, dead letters, and the views.

It answers the page alone, which has the same origin: browsers let no other site read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from glue import Catalog, Schema, UseCase
from glue.parameters import Parameters
from lambdas.dashboard import keys, letters
from lambdas.dashboard.describing import Description, describe
from lambdas.dashboard.views import Sources, add_views
from lambdas.http import queries
from lambdas.http.app import new_app
from lambdas.http.problems import MEDIA_TYPE, problem
from lambdas.http.queries import NotFound, Problem, only
from lambdas.ports.lake_rows import LakeRows, LakeUnavailable

FAULT = "internal error; send the request again"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 404, 503)
}


def create_app(
    catalog: Catalog,
    lake: LakeRows,
    parameters: Mapping[str, Parameters],
    now: Callable[[], datetime],
    sources: Sources,
) -> FastAPI:
    """The routes over every use case of the catalog; `now` is UTC."""
    app = new_app("Dashboard", fault=FAULT, origins=())
    queries.install(app)
    app.add_exception_handler(LakeUnavailable, _unavailable)
    described = describe(catalog, parameters, sources.audited)
    routes = _Routes(catalog, lake, described, now)
    for path, endpoint, model, query in (
        ("/catalog", routes.catalog, Description, None),
        ("/keys/{use_case}/{report}", routes.keys, keys.Keys, keys.KeysQuery),
        (
            "/dead-letters/{use_case}/groups",
            routes.groups,
            letters.Groups,
            letters.LettersQuery,
        ),
        ("/dead-letters/{use_case}", routes.letters, letters.Letters, letters.ListQuery),
    ):
        for methods in (["GET"], ["HEAD"]):
            app.add_api_route(
                path,
                endpoint,
                methods=methods,
                include_in_schema=methods == ["GET"],
                dependencies=[only(query)] if query else [],
                response_model=model,
                responses=_PROBLEMS,
            )
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
        self._use_cases = {use_case.name: use_case for use_case in catalog.use_cases}
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

    def _use_case(self, name: str) -> UseCase:
        if name not in self._use_cases:
            raise NotFound(
                f"use case {name!r} is not deployed; deployed: {', '.join(self._use_cases)}"
            )
        return self._use_cases[name]


def _report(use_case: UseCase, path: str) -> Schema:
    for report in use_case.reports:
        if report.path == path:
            return report
    choices = ", ".join(report.path for report in use_case.reports)
    raise NotFound(f"{use_case.name} has no report {path!r}; reports: {choices}")


def _unavailable(request: Request, error: Exception) -> Response:
    return problem(503, "the lake cannot be read now", {"Retry-After": "1"})
