"""The platform's own services are called directly, also where a proxy is set."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

ASK = """
import sys
from sdpctl import web
print(web.client().get(sys.argv[1]).text)
"""


class Answer(BaseHTTPRequestHandler):
    """200 and a word."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"there")

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def url():
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_a_proxy_is_not_asked_for_what_is_on_this_machine(url, variable):
    nobody = "http://127.0.0.1:9"
    proxies = {"HTTP_PROXY": nobody, "http_proxy": nobody, "HTTPS_PROXY": nobody}
    kept = {k: v for k, v in os.environ.items() if k.lower() != "no_proxy"}
    environment = {**kept, **proxies, variable: "example.org"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, url], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split()[:1] == ["there"], done.stderr
