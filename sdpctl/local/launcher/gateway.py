"""API Gateway: what a caller receives when the function behind a method cannot answer.

As on AWS, each of these is a gateway response of the stage, with its headers and its template: a
throttled function is INTEGRATION_FAILURE, one that has not answered after 29 s INTEGRATION_TIMEOUT,
one that fails 502 as DEFAULT_5XX. The emulator returns the function's own error, waits as long as
the function takes, and goes on with calls whose clients have gone.

A function gets the path as it was sent, percent-encoded, as a REST API hands it over. The emulator
decodes it, so that a function that does so too would read `%2561` as `a`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from ministack import app
from ministack.services import apigateway_v1 as apigateway

from sdpctl.local.launcher import functions

INTEGRATION_SECONDS = 29  # AWS's limit for an integration
TURNS = 5  # of the loop, from the end of a connection to its message
STAGE = "/_user_request_"  # in the path of each call of an API

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_request = [
    "api_id",
    "stage_name",
    "stage",
    "resource",
    "request_path",
    "method",
    "headers",
    "body",
    "query_params",
    "path_params",
    "binary_media_types",
    "authorizer_context",
    "caller_identity",
]
_integration = [
    "integration",
    "api_id",
    "stage_name",
    "stage",
    "resource",
    "request_path",
    "method",
    "headers",
    "body",
    "query_params",
    "path_params",
    "owner_account_id",
    "owner_region",
    "binary_media_types",
    "authorizer_context",
    "caller_identity",
]
REPLACED: dict[Callable[..., Any], list[str]] = {
    app.app: ["scope", "receive", "send"],
    apigateway._build_lambda_event_v1: _request,
    apigateway._call_lambda_raw: ["function_ref", "event", "account_id", "region"],
    apigateway._gateway_error_response: ["error", "request"],
    apigateway._invoke_lambda_proxy_v1: _integration,
    apigateway._lambda_proxy_response: ["result"],
}
USED: dict[ModuleType, tuple[str, ...]] = {apigateway: ("_GatewayError",)}
_app = app.app
_build = apigateway._build_lambda_event_v1
_call = apigateway._call_lambda_raw
_error_response = apigateway._gateway_error_response
_invoke = apigateway._invoke_lambda_proxy_v1
_proxy_response = apigateway._lambda_proxy_response
_connected: ContextVar[functions.Client | None] = ContextVar("connected", default=None)
_sent: ContextVar[str] = ContextVar("sent", default="")  # the path, percent-encoded


class IntegrationError(Exception):
    """The function has no answer of its own: a gateway response, perhaps with another status."""

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    app.app = _serve
    apigateway._build_lambda_event_v1 = _build_lambda_event
    apigateway._call_lambda_raw = _call_lambda_raw
    apigateway._gateway_error_response = _gateway_error_response
    apigateway._invoke_lambda_proxy_v1 = _invoke_lambda_proxy
    apigateway._lambda_proxy_response = _lambda_proxy_response


async def _serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The emulator; for a call of an API, it is known when its client has gone."""
    if scope["type"] != "http" or STAGE not in scope["path"]:
        await _app(scope, receive, send)
        return
    client, messages = functions.Client(), asyncio.Queue[dict[str, Any]]()
    listener = asyncio.create_task(_listen(receive, messages, client))
    _connected.set(client)
    _sent.set((scope.get("raw_path") or b"").decode("ascii").partition(STAGE)[2])
    try:
        await _app(scope, messages.get, send)
    finally:
        listener.cancel()


async def _listen(
    receive: Receive, messages: asyncio.Queue[dict[str, Any]], client: functions.Client
) -> None:
    while not client.gone:
        message = await receive()
        client.gone = message["type"] == "http.disconnect"
        messages.put_nowait(message)


def _build_lambda_event(*args: Any, **options: Any) -> dict[str, Any]:
    event: dict[str, Any] = _build(*args, **options)
    if path := _sent.get():
        event["path"] = path
        event["requestContext"]["path"] = f"/{event['requestContext']['stage']}{path}"
    return event


async def _call_lambda_raw(
    function_ref: str,
    event: dict[str, Any],
    *,
    account_id: str | None = None,
    region: str | None = None,
) -> Any:
    client = _connected.get()
    functions.client.set(client)
    if await _gone(client):
        raise IntegrationError("INTEGRATION_FAILURE", "The client has gone")
    return await _call(function_ref, event, account_id=account_id, region=region)


async def _gone(client: functions.Client | None) -> bool:
    """Whether its connection has ended by now, even if the loop had no time to see that."""
    for _ in range(TURNS):
        if client is None or client.gone:
            break
        await asyncio.sleep(0)
    return client is not None and client.gone


async def _invoke_lambda_proxy(*args: Any, **options: Any) -> Any:
    """The function's answer, or the gateway's where there is none in time."""
    call = asyncio.create_task(_invoke(*args, **options))
    done, _ = await asyncio.wait({call}, timeout=INTEGRATION_SECONDS)
    try:
        if not done:
            call.add_done_callback(lambda late: late.exception())  # nobody waits for it
            raise IntegrationError("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        return call.result()
    except IntegrationError as error:
        response = apigateway._GatewayError(error.kind, error.message)
        response.status = error.status
        return response


def _lambda_proxy_response(result: dict[str, Any]) -> Any:
    if result.get("throttle"):
        raise IntegrationError("INTEGRATION_FAILURE", "Internal server error")
    if result.get("error"):
        raise IntegrationError("DEFAULT_5XX", "Internal server error", 502)
    return _proxy_response(result)


def _gateway_error_response(error: Any, request: dict[str, Any]) -> Any:
    status, headers, body = _error_response(error, request)
    own = getattr(error, "status", None)
    return own if own and status == 500 else status, headers, body
