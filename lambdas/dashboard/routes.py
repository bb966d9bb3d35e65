"""What the routes of the page's API have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from glue import Catalog, UseCase
from glue.errors import PlatformError
from lambdas.http.bodies import JSON, check_encoding, document, media_type
from lambdas.http.problems import MEDIA_TYPE, problem
from lambdas.http.queries import NotFound, Problem, only
from lambdas.http.rejections import Rejection, pointer
from lambdas.http.requests import InvalidRequest, check_query, check_size

Body = TypeVar("Body", bound=BaseModel)
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 404, 503)
}
_BODY_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (413, 415)
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


def add_post(
    app: FastAPI,
    path: str,
    endpoint: Callable[..., Any],
    model: type[BaseModel],
    body: type[BaseModel],
) -> None:
    """Add a route whose endpoint reads the body itself, by `parsed_body`."""
    content = {JSON: {"schema": _inline(body.model_json_schema())}}
    app.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        response_model=model,
        responses={**_PROBLEMS, **_BODY_PROBLEMS},
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )


async def parsed_body(request: Request, model: type[Body]) -> Body:
    """The body of a request without query parameters. Raises InvalidRequest or BadField."""
    check_query(request)
    check_encoding(request.headers.get("content-encoding"))
    sent = await request.body()
    check_size(sent)
    if media_type(request.headers.get("content-type")) != JSON:
        raise InvalidRequest(415, f"send {JSON}")
    try:
        value = document(sent)
    except Rejection as flaw:
        raise BadField(flaw.field, flaw.message) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise BadField(pointer(*first["loc"]), reason) from None


class BadField(PlatformError):
    """A part of a request's body is invalid; `field` is its JSON pointer."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field


def install_bad_field(app: FastAPI) -> None:
    """Make the app return a problem document for it."""

    def answer(request: Request, error: Exception) -> Response:
        return problem(400, str(error), field=cast(BadField, error).field)

    app.add_exception_handler(BadField, answer)


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references: each definition in the place where it is named."""
    definitions = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        match value:
            case {"$ref": str(name)}:
                return resolved(definitions[name.rpartition("/")[2]])
            case dict():
                return {key: resolved(each) for key, each in value.items()}
            case list():
                return [resolved(each) for each in value]
        return value

    return cast(dict[str, Any], resolved(schema))


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
