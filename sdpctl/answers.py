"""What the commands that call an API share: a URL that is one, and errors and tables as shown."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
import orjson
from rich.console import Console

from sdpctl.errors import CommandError

WIDE = 10_000  # columns: more than any table has


def check_url(url: str) -> str:
    """The URL if it can be called; CommandError if not."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CommandError(f"--url {url!r}: {error}") from error
    if found.scheme not in ("http", "https") or not found.host:
        raise CommandError(f"--url {url!r}: must begin with http:// or https:// and name a host")
    return url


def document(answer: httpx.Response) -> dict[str, Any]:
    """The object an API answers with; CommandError for its error, or where it is none of ours."""
    if answer.status_code != 200:
        raise CommandError(reason(answer))
    try:
        found = json.loads(answer.content)  # not orjson, which rounds integers beyond 64 bits
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandError(f"{answer.url} answers with no JSON object: is this the API's URL?")
    return found


def unanswered(error: httpx.RequestError, seconds: float) -> CommandError:
    """Why there is no answer after `seconds`."""
    url = str(error.request.url)
    if isinstance(error, httpx.TimeoutException):
        return overloaded(url, seconds)
    if isinstance(error, httpx.ConnectError):
        return refused(url)
    return CommandError(f"{url}: {error}")


def overloaded(url: str, seconds: float) -> CommandError:
    """The server is there and does not answer."""
    return CommandError(
        f"{url} is overloaded: it did not answer within {seconds:g} s; try again when less is sent "
        "to it"
    )


def refused(url: str) -> CommandError:
    """No server is there, or not yet."""
    return CommandError(f"Could not connect to {url}: it is starting, or it has ended")


def reason(answer: httpx.Response) -> str:
    """An error's status and what it says, in a line: `404: what was not found`."""
    return f"{answer.status_code}: {_said(answer)}"


def _said(answer: httpx.Response) -> str:
    try:
        body: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        for name in ("detail", "title", "message"):
            if body.get(name):
                return str(body[name])
    return answer.text[:200] or answer.reason_phrase


def console() -> Console:
    """Standard output: as wide as a table needs where no terminal has a width of its own."""
    return Console(width=None if sys.stdout.isatty() else WIDE)
