"""An application behind API Gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from lambdas.http.problems import MEDIA_TYPE

# All other types would be sent as base64.
TEXT = ("application/json", MEDIA_TYPE)
Respond = Callable[[dict[str, Any], Any], dict[str, Any]]


def behind_gateway(app: FastAPI, text: Sequence[str] = TEXT) -> Respond:
    """The function from an event of API Gateway, and Lambda's context, to the response."""
    adapter: Any = Mangum(app, lifespan="off", text_mime_types=[*text])

    def respond(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = adapter(event, context)
        return answer

    return respond
