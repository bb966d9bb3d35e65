"""Paths in which a slash may be a part of a name."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class EncodedSlashes:
    """Leaves an encoded slash as it is, so that it separates nothing (RFC 3986, section 2.2).

    Otherwise `GET /reports/machines/a%2Fb` would be an unknown path, and `POST /rule/a%2Ftest` a
    test of `a`. An encoded percent sign stays too: `decoded` of a parameter is what was meant.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decode each part of the path, but for slashes and percent signs."""
        if scope["type"] == "http" and (sent := _sent(scope)):
            scope = {**scope, "path": "/".join(map(_readable, sent.split("/")))}
        await self._app(scope, receive, send)


def decoded(part: str) -> str:
    """A parameter of such a path as the caller means it."""
    return unquote(part)


def _readable(part: str) -> str:
    return unquote(part).replace("%", "%25").replace("/", "%2F")


def _sent(scope: Scope) -> str:
    """The path as it was sent: API Gateway hands it over in its event."""
    event = scope.get("aws.event")
    return str(event["path"]) if event else (scope.get("raw_path") or b"").decode("ascii")
