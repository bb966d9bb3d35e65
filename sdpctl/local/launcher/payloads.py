"""Lambda's sizes: 6 MiB of request and of response, 1 MiB of an asynchronous request.

The request is the event as JSON, so a body that API Gateway passes on in base64 counts a third
more than it has bytes. Where the request is too large, API Gateway answers with the stage's
REQUEST_TOO_LARGE and Lambda itself with RequestTooLargeException; the emulator passes everything.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from ministack.services import apigateway_v1 as apigateway
from ministack.services import lambda_svc

REQUEST_BYTES = 6 * 1024 * 1024
RESPONSE_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_BYTES = 1024 * 1024

_call = ["api_id", "stage_name", "stage", "resource", "request_path", "method", "headers", "body"]
_call += ["query_params", "path_params"]
_after = ["binary_media_types", "authorizer_context", "caller_identity"]
REPLACED: dict[Callable[..., Any], list[str]] = {
    apigateway._build_lambda_event_v1: [*_call, *_after],
    apigateway._invoke_lambda_proxy_v1: [
        "integration",
        *_call,
        "owner_account_id",
        "owner_region",
        *_after,
    ],
    lambda_svc._invoke: ["name", "event", "headers", "path_qualifier", "query_params"],
    lambda_svc._execute_function_dispatch: ["func", "config", "event", "request_id", "started"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    apigateway: ("_GatewayError",),
    lambda_svc: ("error_response_json",),
}
_execute = lambda_svc._execute_function_dispatch
Invoke = Callable[..., Awaitable[Any]]


class RequestTooLarge(Exception):
    """The event of a call has more bytes than Lambda takes."""


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    apigateway._build_lambda_event_v1 = _bounded(apigateway._build_lambda_event_v1)
    apigateway._invoke_lambda_proxy_v1 = _refusing(apigateway._invoke_lambda_proxy_v1)
    lambda_svc._invoke = _limited(lambda_svc._invoke)
    lambda_svc._execute_function_dispatch = _execute_function


def _bounded(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The builder of a call's event, which refuses one that is too large."""

    def build_or_refuse(*args: Any, **options: Any) -> dict[str, Any]:
        event = build(*args, **options)
        if _size(event) > REQUEST_BYTES:
            raise RequestTooLarge
        return event

    return build_or_refuse


def _refusing(invoke: Invoke) -> Invoke:
    """The integration, with the gateway's answer to what is too large for it."""

    async def refuse_or_invoke(*args: Any, **options: Any) -> Any:
        try:
            return await invoke(*args, **options)
        except RequestTooLarge:
            return apigateway._GatewayError("REQUEST_TOO_LARGE", "Request Too Long")

    return refuse_or_invoke


def _limited(invoke: Invoke) -> Invoke:
    """Lambda's Invoke, which refuses what is too large for the kind of the call."""

    async def refuse_or_invoke(
        name: str, event: Any, headers: dict[str, str], *args: Any, **options: Any
    ) -> Any:
        by_name = {key.lower(): value for key, value in headers.items()}
        asynchronous = by_name.get("x-amz-invocation-type") == "Event"
        limit = ASYNCHRONOUS_BYTES if asynchronous else REQUEST_BYTES
        if (size := _size(event)) > limit:
            message = f"Request must be smaller than {limit} bytes for the Invoke operation; {size}"
            return lambda_svc.error_response_json("RequestTooLargeException", message, 413)
        return await invoke(name, event, headers, *args, **options)

    return refuse_or_invoke


def _execute_function(
    func: Any, config: Any, event: Any, request_id: str, started: float
) -> dict[str, Any]:
    """The function's result, or the error that Lambda makes of one that is too large."""
    result: dict[str, Any] = _execute(func, config, event, request_id, started)
    size = 0 if result.get("error") else _size(result.get("body"))
    if size <= RESPONSE_BYTES:
        return result
    error = {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size "
        f"({RESPONSE_BYTES} bytes).",
    }
    return {**result, "error": True, "body": error}


def _size(payload: Any) -> int:
    """Bytes of the payload as JSON; what is text already counts as it is."""
    if isinstance(payload, bytes):
        return len(payload)
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return len(text.encode("utf-8", errors="replace"))
