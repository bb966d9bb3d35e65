"""CloudFront: distributions at a path of this machine, with API Gateway behind them.

A distribution is at `/_cloudfront/{label}/…`, because not every program resolves
`{label}.cloudfront.localhost`. There it answers as over TLS: the loopback interface stands for it.
A distribution's origin may be an API of API Gateway, which the emulator refuses to connect to. As
on AWS it reads its bucket over TLS, so a policy that denies everything else lets it, and a path
that names no methods takes GET and HEAD alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import cloudfront, s3

from sdpctl.local.launcher.gateway import STAGE

REPLACED: dict[Callable[..., Any], list[str]] = {
    cloudfront._fetch_from_origin: [
        "origin",
        "method",
        "uri",
        "query_string",
        "headers",
        "body",
        "viewer_is_https",
        "client_ip",
        "viewer_xff",
        "dist_arn",
    ],
    cloudfront._check_allowed_methods: ["behavior", "method"],
    s3._cloudfront_origin_allows: ["owner", "bucket_name", "key", "source_arn", "oai_id"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    cloudfront: (
        "find_distribution_for_label",
        "_forward_to_origin",
        "_multidict_from_pairs",
        "run_reentrant",
    ),
    iam_evaluator: ("EvalContext", "evaluate_resource_policy"),
    s3: ("_bucket_policies", "get_region"),
}
_PATH = re.compile(rb"/_cloudfront/([a-z0-9]+)(/.*)?", re.DOTALL)
_API = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9.-]+")
_fetch = cloudfront._fetch_from_origin
_check_methods = cloudfront._check_allowed_methods

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def replace() -> None:
    """Put our functions in the place of, or around, the emulator's."""
    app.app = at_a_path(app.app)
    cloudfront._fetch_from_origin = _fetch_from_origin
    cloudfront._check_allowed_methods = _check_allowed_methods
    s3._cloudfront_origin_allows = _may_read


def at_a_path(inner: App) -> App:
    """The app, which also serves each distribution at a path."""

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path") or scope.get("path", "").encode()
        match = _PATH.fullmatch(raw) if scope["type"] == "http" else None
        if match is None:
            await inner(scope, receive, send)
        elif cloudfront.find_distribution_for_label(match[1].decode()) is None:
            await _answer(send, 404)
        elif match[2] is None:  # the page's relative addresses begin in its folder
            await _answer(send, 308, [(b"location", raw + b"/")])
        else:
            await inner(viewed(scope, match[1], match[2]), receive, send)

    return serve


def viewed(scope: dict[str, Any], label: bytes, raw: bytes) -> dict[str, Any]:
    """The request as a viewer of the distribution sends it."""
    kept = [h for h in scope["headers"] if h[0] not in (b"host", b"x-forwarded-proto")]
    own = [(b"host", label + b".cloudfront.net"), (b"x-forwarded-proto", b"https")]
    path = unquote_to_bytes(raw).decode("utf-8", "replace")
    return {**scope, "path": path, "raw_path": raw, "headers": [*own, *kept]}


async def _answer(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """An answer without a body."""
    all_headers = [*headers, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": b""})


def _check_allowed_methods(behavior: dict[str, Any], method: str) -> Any:
    allowed = behavior.get("allowed_methods") or ["GET", "HEAD"]
    return _check_methods({**behavior, "allowed_methods": allowed}, method)


async def _fetch_from_origin(
    origin: dict[str, Any],
    method: str,
    uri: str,
    query_string: str,
    headers: dict[str, Any],
    body: bytes,
    viewer_is_https: bool,
    client_ip: str,
    viewer_xff: str,
    dist_arn: str,
) -> Any:
    """Calls an API by its address on this machine; other origins as the emulator does."""
    api = _API.fullmatch(origin["domain_name"])
    if api is None:
        return await _fetch(
            origin,
            method,
            uri,
            query_string,
            headers,
            body,
            viewer_is_https,
            client_ip,
            viewer_xff,
            dist_arn,
        )
    status, reason, pairs, data = await cloudfront.run_reentrant(
        cloudfront._forward_to_origin,
        _on_this_machine(origin),
        method,
        f"/restapis/{api[1]}{origin.get('origin_path') or ''}{STAGE.rstrip('/')}{uri}",
        query_string,
        headers,
        body,
        viewer_is_https,
        client_ip,
        viewer_xff,
    )
    return status, reason, cloudfront._multidict_from_pairs(pairs), data


def _on_this_machine(origin: dict[str, Any]) -> dict[str, Any]:
    port = int(os.environ.get("GATEWAY_PORT", "4566"))
    address = {"domain_name": "127.0.0.1", "http_port": port, "protocol_policy": "http-only"}
    return {**origin, **address}


def _may_read(owner: str, bucket_name: str, key: str, source_arn: str, oai_id: str) -> bool:
    """Whether the bucket's policy lets the distribution read an object; no bucket is public."""
    policy = s3._bucket_policies.get_scoped(owner, None, bucket_name)
    if not policy or not source_arn:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="s3:GetObject",
        resource_arn=f"arn:aws:s3:::{bucket_name}/{key}",
        region=s3.get_region(),
        secure_transport=True,
        service_context={"aws:sourcearn": source_arn},
    )
    result = iam_evaluator.evaluate_resource_policy(
        policy, context, service="cloudfront.amazonaws.com"
    )
    return bool(result.decision == "Allow")
