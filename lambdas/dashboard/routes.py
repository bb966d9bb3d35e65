"""What the routes of the page's API have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from glue import Catalog, UseCase
from lambdas.http.problems import MEDIA_TYPE, problem
from lambdas.http.queries import NotFound, Problem, only

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 404, 503)
}


def add(
    app: FastAPI,
    path: str,
    endpoint: Callable[..., JSONResponse],
    model: type[BaseModel],
    query: type[BaseModel] | None = None,
) -> None:
    """Add a route for GET and HEAD; the latter is not in the document."""
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


def add_unavailable(app: FastAPI, kind: type[Exception], detail: str) -> None:
    """Answer 503 with this detail where a source raises that it cannot be read."""

    def answer(request: Request, error: Exception) -> Response:
        return problem(503, detail, {"Retry-After": "1"})

    app.add_exception_handler(kind, answer)


@dataclass(frozen=True)
class Deployed:
    """The use cases of a deployment, by the name that a path has."""

    catalog: Catalog

    def use_case(self, name: str) -> UseCase:
        """The use case of this name. Raises NotFound."""
        for use_case in self.catalog.use_cases:
            if use_case.name == name:
                return use_case
        names = ", ".join(use_case.name for use_case in self.catalog.use_cases)
        raise NotFound(f"use case {name!r} is not deployed; deployed: {names}")
