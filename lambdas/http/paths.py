"""Paths in which a slash may be a part of a name."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH = re.compile("%2f", re.IGNORECASE)


class EncodedSlashes:
    """Leaves an encoded slash as it is, so that it separates nothing (RFC 3986, section 2.2).

    Otherwise `PUT /rule/a%2Fb` would be an unknown path instead of a wrong name, and
    `POST /rule/a%2Ftest` a test of `a`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decode the path, but for its encoded slashes."""
        if scope["type"] == "http":
            sent = _sent(scope)
            scope = {**scope, "path": unquote(_SLASH.sub("%252F", sent))} if sent else scope
        await self._app(scope, receive, send)


def _sent(scope: Scope) -> str:
    """The path as it was sent: API Gateway hands it over in its event."""
    event = scope.get("aws.event")
    return str(event["path"]) if event else (scope.get("raw_path") or b"").decode("ascii")
