"""Query parameters, read strictly: errors name the parameter, as RFC 9457 problem documents."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field

from glue import instants
from glue.errors import PlatformError
from lambdas.http.problems import problem

_MILLIS = re.compile(r"-?\d{1,18}", re.ASCII)
# An unescaped + in an offset arrives as a space.
_LOST_PLUS = re.compile(r" (?=\d\d:\d\d$)", re.ASCII)


class Problem(BaseModel):
    """A problem document."""

    type: str = Field("about:blank", description="The kind of problem; about:blank: see status.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request.")
    parameter: str | None = Field(None, description="The parameter at fault, if one is.")


class BadParameter(PlatformError):
    """A parameter, a part of the path or a header is invalid, by itself or beside the others."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"{parameter}: {detail}")
        self.parameter = parameter


class NotFound(PlatformError):
    """There is nothing under this path."""


def install(app: FastAPI) -> None:
    """Make the app return a problem document for each of them."""

    @app.exception_handler(BadParameter)
    async def bad_parameter(_: Request, error: BadParameter) -> Response:
        return problem(400, str(error), parameter=error.parameter)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        parameter = str(first["loc"][-1])
        reason = first["msg"].removeprefix("Value error, ")
        return problem(400, f"{parameter}: {reason}", parameter=parameter)

    @app.exception_handler(NotFound)
    async def not_found(_: Request, error: NotFound) -> Response:
        return problem(404, str(error))


def _instant(text: Any) -> datetime:
    if not isinstance(text, str):
        raise ValueError("give one time")
    if _MILLIS.fullmatch(text):
        return instants.from_number(int(text))
    return instants.parse(_LOST_PLUS.sub("+", text))


Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(examples=["2026-01-31T10:00:00Z"]),
]


def names(query: type[BaseModel]) -> list[str]:
    """The parameters' names."""
    return [field.alias or name for name, field in query.model_fields.items()]


def only(query: type[BaseModel]) -> Any:
    """A dependency that refuses unknown parameters and repeated ones."""
    known = names(query)

    def check(request: Request) -> None:
        for name, count in Counter(n for n, _ in request.query_params.multi_items()).items():
            if name not in known:
                raise BadParameter(name, f"unknown parameter; parameters: {', '.join(known)}")
            if count > 1:
                raise BadParameter(name, f"is repeated {count} times; send it once")

    return Depends(check)
