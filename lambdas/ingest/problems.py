"""RFC 9457 problem documents: what is wrong with a request as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """The request cannot be answered record by record."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def to_response(self) -> Response:
        """The document."""
        title = HTTPStatus(self.status).phrase
        content = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        headers = dict(self.headers or {})
        return Response(orjson.dumps(content), self.status, headers, MEDIA_TYPE)
