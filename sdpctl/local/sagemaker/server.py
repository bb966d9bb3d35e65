"""The HTTP server: SageMaker's JSON protocol on `/`, the runtime's invocations below it."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from sdpctl.local.sagemaker.endpoints import Endpoints
from sdpctl.local.sagemaker.errors import ApiError
from sdpctl.local.sagemaker.store import Closed, Document
from sdpctl.local.sagemaker.validation import check, check_invocation

_JSON = "application/x-amz-json-1.1"
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
log = logging.getLogger("sdp.sagemaker")


class Handler(BaseHTTPRequestHandler):
    """One connection; kept open, as boto3 does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        """The health check."""
        self._answer(200 if self.path == "/ping" else 404, b"{}", "application/json", {})

    def do_POST(self) -> None:
        """A call of either API."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            if match := _INVOCATION.fullmatch(self.path):
                self._invoke(unquote(match[1]), body)
            else:
                self._call(body)
        except ApiError as error:
            self._refuse(error)
        except Closed:
            self._refuse(ApiError("ServiceUnavailable", "the stand-in is ending", 503))
        except Exception:  # whatever happens, the caller gets an answer
            log.exception("%s %s", self.path, self.headers.get("x-amz-target"))
            self._refuse(ApiError("InternalFailure", "see the log of the stand-in", 500))

    def _call(self, body: bytes) -> None:
        target = self.headers.get("x-amz-target", "").partition(".")[2]
        call = self.server.calls.get(target)
        if call is None:
            raise ApiError("UnknownOperationException", f"{target!r} is not done on this machine")
        answer = call(check(target, _parsed(body)))
        self._answer(200, json.dumps(answer).encode(), _JSON, {})

    def _invoke(self, endpoint: str, body: bytes) -> None:
        check_invocation(endpoint, body)
        kinds = {k: v for k in ("content-type", "accept") if (v := self.headers.get(k))}
        answer = self.server.endpoints.invoke(endpoint, body, kinds)
        self._answer(
            200, answer.body, answer.content_type, {"x-Amzn-Invoked-Production-Variant": "primary"}
        )

    def _refuse(self, error: ApiError) -> None:
        document = {"__type": error.code, "message": error.message, "Message": error.message}
        body = json.dumps({**document, **error.more}).encode()
        self._answer(error.status, body, _JSON, {"x-amzn-ErrorType": error.code})

    def _answer(self, status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Each call would be a line; failures are logged where they happen."""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"the body is not JSON: {error}") from error


class Server(ThreadingHTTPServer):
    """Binds 127.0.0.1 only."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        port: int,
        calls: Mapping[str, Callable[[Document], Document]],
        endpoints: Endpoints,
        closing: Sequence[Callable[[], None]],
    ) -> None:
        self.calls, self.endpoints, self.closing = calls, endpoints, closing
        super().__init__(("127.0.0.1", port), Handler)

    def server_close(self) -> None:
        """Free the port and end jobs and endpoints, which go on when the stand-in runs again."""
        super().server_close()
        for close in self.closing:
            close()
