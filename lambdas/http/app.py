"""What the HTTP APIs share: CORS, HEAD, health, and errors that any caller can read.

Each app adds its own routes and its own errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambdas.http.problems import problem
from lambdas.http.requests import InvalidRequest

EXPOSED = "Retry-After"
# The response to an unexpected error bypasses the CORS middleware, so it sets the origin itself.
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
_ANY = ("*",)


class WithoutBody:
    """Answers HEAD with only the headers of GET (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the response, without its body for HEAD."""

        async def headers_only(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app(scope, receive, headers_only if is_head else send)


def new_app(
    title: str,
    *,
    fault: str,
    exposed: Sequence[str] = (),
    origins: Sequence[str] = _ANY,
    **options: Any,
) -> FastAPI:
    """An app without routes but `/health`; `fault` is the detail of a 500.

    `exposed`: headers that pages of other origins may read, beside Retry-After. `origins`: any
    (`*`), or none: then only pages of the API's own origin can read it.

    A path with a slash at its end is unknown: a redirect would lose the stage of API Gateway.
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None, redirect_slashes=False, **options)
    # API Gateway answers the preflight; our own responses must name the origin too.
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, expose_headers=[EXPOSED, *exposed]
        )
    cors = _CORS if origins else {}
    app.add_middleware(WithoutBody)

    def failed(request: Request, error: Exception) -> Response:
        # The exception is raised again after this response, which logs its cause.
        body = problem(500, fault, {"Retry-After": "1", **cors})
        return Response(b"", 500, dict(body.headers)) if request.method == "HEAD" else body

    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(InvalidRequest, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    add_health(app, "/health")
    return app


def _invalid(request: Request, error: Exception) -> Response:
    return cast(InvalidRequest, error).to_response()


def _refused(request: Request, error: Exception) -> Response:
    """What the framework refuses: an unknown path or method."""
    exception = cast(HTTPException, error)
    return problem(exception.status_code, str(exception.detail), exception.headers)


def add_health(app: FastAPI, path: str) -> None:
    """A route that returns 200 whenever the function runs."""
    app.add_api_route(path, health, methods=["GET", "HEAD"], include_in_schema=False)


def health() -> dict[str, str]:
    """The function runs."""
    return {"status": "ok"}
