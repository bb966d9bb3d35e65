"""The reports' own errors as RFC 9457 problem documents."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from glue.errors import PlatformError
from lambdas.http.problems import problem
from lambdas.ports.report_store import StoreUnavailable

RETRY_AFTER = "1"


class Problem(BaseModel):
    """A problem document."""

    type: str = Field("about:blank", description="The kind of problem; about:blank: see status.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request.")
    parameter: str | None = Field(None, description="The parameter at fault, if one is.")


class BadParameter(PlatformError):
    """A parameter is invalid, by itself or in combination with the others."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"{parameter}: {detail}")
        self.parameter = parameter


class NotFound(PlatformError):
    """No events were ever counted under this key."""


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

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, error: StoreUnavailable) -> Response:
        return problem(503, "the reports cannot be read now", {"Retry-After": RETRY_AFTER})
