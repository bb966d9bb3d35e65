"""Checks of a request as a whole; what is wrong becomes a problem document."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from glue.limits import BODY_BYTES
from lambdas.http.problems import problem


class InvalidRequest(Exception):
    """The request as a whole is invalid."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def to_response(self) -> Response:
        """The document."""
        return problem(self.status, self.detail, self.headers)


def check_size(body: bytes) -> None:
    """Raises InvalidRequest 413 for a body that is too large."""
    if len(body) > BODY_BYTES:
        raise InvalidRequest(413, f"the body has {len(body)} bytes; send at most {BODY_BYTES}")


def check_query(request: Request) -> None:
    """Raises InvalidRequest 400 for any query parameter."""
    if request.scope["query_string"]:
        name = next(iter(request.query_params), "")
        detail = f"{name}: unknown parameter; this API has no query parameters"
        raise InvalidRequest(400, detail)
