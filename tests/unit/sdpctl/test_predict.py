"""The predict command: errors in one line, and unseen values whole."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from sdpctl.commands.predict import predict, table
from sdpctl.errors import CommandError

app = typer.Typer()
app.command()(predict)


class _Refusing(BaseHTTPRequestHandler):
    """Answers each request with a problem document that tells its path."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"title": "Not Found", "detail": f"nothing at {self.path}"}).encode()
        self.send_response(404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["{}", "--api-key", "x", *arguments])
    assert isinstance(result.exception, CommandError)
    return str(result.exception)


def test_the_error_of_the_api_is_one_line_with_its_status_and_the_use_case_is_escaped(url):
    assert _refused("--url", url, "--use-case", "a/b?c") == "404: nothing at /a%2Fb%3Fc"


def test_what_is_no_url_is_refused_by_its_option():
    assert _refused("--url", "notaurl").startswith("--url 'notaurl': must start with http://")


def test_unseen_values_are_folded_and_not_cut():
    prediction = {"score": 0.5, "predicted_label": 1.0, "unseen": ["x" * 100]}
    answer = {"model_version": "v", "served_by": "endpoint", "predictions": [prediction]}
    screen = Console(record=True, width=40)
    screen.print(table(answer))
    assert screen.export_text().count("x") == 100
