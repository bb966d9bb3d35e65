"""An endpoint's process: loads a model through its script and serves SageMaker's two paths.

`GET /ping` answers once the model is loaded; `POST /invocations` calls input_fn, predict_fn and
output_fn. Run by path in the model's own environment: it may import the standard library only.
"""

from __future__ import annotations

import argparse
import importlib
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Serving:
    """The script's functions around one loaded model."""

    def __init__(self, script: str, model_folder: str) -> None:
        self._module: Any = importlib.import_module(Path(script).stem)
        self._model = self._module.model_fn(model_folder)

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Body in, body and its content type out."""
        data = self._module.input_fn(body, content_type)
        result = self._module.output_fn(self._module.predict_fn(data, self._model), accept)
        answer, kind = result if isinstance(result, tuple) else (result, accept)
        return answer.encode() if isinstance(answer, str) else bytes(answer), kind


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    serving: Serving

    def do_GET(self) -> None:
        """The health check."""
        self._answer(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        """An invocation; what the script raises is the answer's text."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.headers.get("content-type") or "application/json"
        accept = self.headers.get("accept") or "application/json"
        accept = "application/json" if accept == "*/*" else accept
        try:
            answer, answer_type = self.serving.invoke(body, kind, accept)
        except Exception as error:  # noqa: BLE001  a container answers whatever its script raises
            traceback.print_exc()
            status = getattr(error, "status_code", 500)
            self._answer(status, f"{type(error).__name__}: {error}".encode(), "text/plain")
        else:
            self._answer(200, answer, answer_type)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Only failures are worth a line, and they print their own."""


class Server(ThreadingHTTPServer):
    """Many connections may arrive at once."""

    daemon_threads = True
    request_queue_size = 256


def main() -> None:
    """Load the model, take a port, and write it where the caller looks for it."""
    parser = argparse.ArgumentParser()
    for option in ("--script", "--model", "--port-file"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    Handler.serving = Serving(options.script, options.model)
    server = Server(("127.0.0.1", 0), Handler)
    path = Path(options.port_file)
    path.with_suffix(".new").write_text(str(server.server_address[1]))
    path.with_suffix(".new").replace(path)
    server.serve_forever()


if __name__ == "__main__":
    main()
