"""What the commands that call an API share: checking a URL, and showing errors and tables."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
import orjson
from rich.console import Console

from sdpctl.errors import CommandError, overloaded, refused

WIDE = 10_000  # columns: more than any table has


def check_url(url: str) -> str:
    """The URL. Raises CommandError if it is invalid."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CommandError(f"--url {url!r}: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise CommandError(f"--url {url!r}: must start with http:// or https:// and contain a host")
    return url


def document(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an API's response. Raises CommandError for anything else."""
    if answer.status_code != 200:
        raise CommandError(reason(answer))
    try:
        body = json.loads(answer.content)  # not orjson, which rounds integers beyond 64 bits
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CommandError(
            f"{answer.url}: the response is not a JSON object; is this the API's URL?"
        )
    return body


def unanswered(error: httpx.RequestError, seconds: float) -> CommandError:
    """Why there is no response after `seconds`."""
    url = str(error.request.url)
    if isinstance(error, httpx.TimeoutException):
        return overloaded(url, seconds)
    if isinstance(error, httpx.ConnectError):
        return refused(url)
    return CommandError(f"{url}: {error}")


def reason(answer: httpx.Response) -> str:
    """An error's status and message in one line: `404: …`."""
    return f"{answer.status_code}: {_detail(answer)}"


def _detail(answer: httpx.Response) -> str:
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
    """Standard output; as wide as needed if it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE)
