"""Functions of the emulator: bounded processes, refused calls, clients that have gone."""

from __future__ import annotations

import base64
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from botocore.exceptions import ClientError

from sdpctl.local import emulator
from sdpctl.local.outputs import local_url
from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.emulator.conftest import Client
from tests.local.driver import wait_until

# Loads when the file START exists. Each call appends its `name` to the file CALLS, then waits until
# `gate` exists.
HANDLER = """
import json, os, pathlib, sys, time
while not pathlib.Path(os.environ.get("START", "/")).exists():
    time.sleep(0.01)
def handler(event, context):
    query = event.get("queryStringParameters") or event
    if query.get("fail"):
        raise ValueError("the function fails: " + query["fail"])
    if query.get("exit"):
        os._exit(3)
    print("called by " + query.get("name", ""))
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(query.get("name", "") + "\\n")
    gate = query.get("gate")
    while gate and not pathlib.Path(gate).exists():
        time.sleep(0.01)
    return {"statusCode": 200, "body": json.dumps({"pid": os.getpid()})}
"""
ROLE = "arn:aws:iam::000000000000:role/function"


@dataclass(frozen=True)
class Function:
    """A deployed function behind an API."""

    name: str
    url: str
    folder: Path
    settings: Settings

    def get(self, **query: str) -> httpx.Response:
        """Call it through API Gateway."""
        return httpx.get(self.url, params=query, timeout=60)

    def refuses(self) -> bool:
        """Whether it is throttled; a call that is not is given up."""
        try:
            return httpx.get(self.url, params={"name": "probe"}, timeout=1).status_code == 429
        except httpx.TimeoutException:
            return False

    def calls(self) -> Counter[str]:
        """How often each name has been given to the handler."""
        path = self.folder / "calls"
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def processes(self) -> list[psutil.Process]:
        """Its processes."""
        running = emulator.service(self.settings).process()
        assert running
        return [p for p in running.children() if self.name in " ".join(_command(p))]


Deploy = Callable[..., Function]


@pytest.fixture
def deploy(settings: Settings, client: Client, tmp_path: Path) -> Iterator[Deploy]:
    """Create functions of this code, each with an API."""
    names: list[str] = []

    def create(
        name: str, code: str = HANDLER, reserved: int | None = None, start: Path | None = None
    ) -> Function:
        lambda_, gateway = client("lambda"), client("apigateway")
        lambda_.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": zipped(code)},
            Timeout=60,
            Environment={
                "Variables": {"CALLS": str(tmp_path / "calls"), "START": str(start or tmp_path)}
            },
        )
        names.append(name)
        if reserved is not None:
            lambda_.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )
        api = gateway.create_rest_api(name=name)
        root = gateway.get_resources(restApiId=api["id"])["items"][0]["id"]
        where = {"restApiId": api["id"], "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(**where, authorizationType="NONE")
        arn = f"arn:aws:lambda:{settings.region}:{settings.account}:function:{name}"
        uri = f"arn:aws:apigateway:{settings.region}:lambda:path/2015-03-31/functions/{arn}"
        gateway.put_integration(
            **where, type="AWS_PROXY", integrationHttpMethod="POST", uri=f"{uri}/invocations"
        )
        gateway.put_gateway_response(
            restApiId=api["id"],
            responseType="INTEGRATION_FAILURE",
            statusCode="429",
            responseParameters={"gatewayresponse.header.Retry-After": "'1'"},
        )
        gateway.create_deployment(restApiId=api["id"], stageName="v1")
        public = f"https://{api['id']}.execute-api.{settings.region}.amazonaws.com/v1"
        return Function(name, local_url(settings, public), tmp_path, settings)

    yield create
    for name in names:
        client("lambda").delete_function(FunctionName=name)


def test_a_function_never_has_more_processes_than_are_reserved(
    deploy: Deploy, tmp_path: Path
) -> None:
    function, gate = deploy("bounded", reserved=3), tmp_path / "gate"
    with ThreadPoolExecutor(12) as pool:
        held = [pool.submit(function.get, name=f"c{n}", gate=str(gate)) for n in range(12)]
        wait_until(lambda: sum(h.done() for h in held) == 9, 60, lambda: "nine are refused")
        wait_until(lambda: len(function.calls()) == 3, 60, lambda: str(function.calls()))
        assert len(function.processes()) <= 3
        gate.touch()
        answers = [h.result() for h in held]
    assert Counter(a.status_code for a in answers) == {200: 3, 429: 9}
    assert {a.headers["retry-after"] for a in answers if a.status_code == 429} == {"1"}
    assert sorted(function.calls().values()) == [1, 1, 1]


def test_a_function_without_a_reservation_is_bounded_too(deploy: Deploy, tmp_path: Path) -> None:
    function, gate = deploy("unreserved"), tmp_path / "gate"
    with ThreadPoolExecutor(16) as pool:
        held = [pool.submit(function.get, name=f"c{n}", gate=str(gate)) for n in range(16)]
        wait_until(lambda: sum(h.done() for h in held) == 6, 60, lambda: "six are refused")
        assert len(function.processes()) <= 10
        gate.touch()
        assert Counter(h.result().status_code for h in held) == {200: 10, 429: 6}


def test_another_function_answers_beside_one_that_refuses(deploy: Deploy, tmp_path: Path) -> None:
    flooded, other, gate = deploy("flooded", reserved=1), deploy("other"), tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(flooded.get, name="held", gate=str(gate))
        wait_until(lambda: bool(flooded.calls()), 60, lambda: "it is called")
        assert [flooded.get(name="more").status_code for _ in range(5)] == [429] * 5
        assert [other.get(name="beside").status_code for _ in range(5)] == [200] * 5
        gate.touch()
        assert held.result().status_code == 200
    assert flooded.get(name="after").status_code == 200


def test_calls_that_do_not_overlap_share_a_process(deploy: Deploy) -> None:
    function = deploy("shared")
    assert len({function.get(name="one").json()["pid"] for _ in range(5)}) == 1


def test_a_call_whose_client_has_gone_does_not_start(deploy: Deploy, tmp_path: Path) -> None:
    start = tmp_path / "start"
    function = deploy("gone", reserved=3, start=start)
    with ThreadPoolExecutor(2) as pool:
        # Two processes load and do not get ready: a third call has to wait for one of them.
        held = [pool.submit(function.get, name="held") for _ in range(2)]
        wait_until(lambda: len(function.processes()) == 2, 60, lambda: "two processes load")
        waiting = _request(function, name="gone")
        wait_until(lambda: function.refuses(), 60, lambda: "three are counted")
        waiting.close()
        wait_until(lambda: not function.refuses(), 60, lambda: "the third is dropped")
        start.touch()
        assert [h.result().status_code for h in held] == [200, 200]
    assert function.get(name="after").status_code == 200
    assert function.calls() == {"held": 2, "after": 1}


def test_a_function_that_fails_is_a_gateway_response_without_its_own_words(deploy: Deploy) -> None:
    function = deploy("failing")
    before = function.get(name="before").json()
    failed = function.get(fail="secret")
    assert failed.status_code == 502
    assert failed.json() == {"message": "Internal server error"}
    assert function.get(name="after").json() == before, "the same process serves the next call"
    assert function.get(exit="now").status_code == 502
    assert function.get(name="after").json() != before


def test_a_process_that_does_not_start_ends_no_other(deploy: Deploy, tmp_path: Path) -> None:
    start, gate = tmp_path / "start", tmp_path / "gate"
    code = HANDLER.replace("while not", "if not").replace("time.sleep(0.01)", "sys.exit(1)", 1)
    function = deploy("broken", code, start=start)
    start.touch()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(function.get, name="held", gate=str(gate))
        wait_until(lambda: bool(function.calls()), 60, lambda: "it is called")
        start.unlink()
        assert function.get(name="more").status_code == 502
        gate.touch()
        assert held.result().status_code == 200


def test_an_update_ends_no_call_and_the_next_call_has_the_new_code(
    deploy: Deploy, client: Client, tmp_path: Path
) -> None:
    function, gate = deploy("updated"), tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(function.get, name="held", gate=str(gate))
        wait_until(lambda: bool(function.calls()), 60, lambda: "it is called")
        code = HANDLER.replace('{"pid": os.getpid()}', '{"version": 2}')
        client("lambda").update_function_code(FunctionName="updated", ZipFile=zipped(code))
        assert function.get(name="new").json() == {"version": 2}
        gate.touch()
        assert "pid" in held.result().json()
    wait_until(lambda: len(function.processes()) == 1, 60, lambda: "the old process ends")


def test_a_call_ends_when_the_time_of_its_function_is_over(deploy: Deploy, client: Client) -> None:
    function = deploy("timed", reserved=1)
    client("lambda").update_function_configuration(FunctionName="timed", Timeout=1)
    assert function.get(name="late", gate="/never").status_code == 502
    assert function.get(name="after").status_code == 200


def test_no_more_is_reserved_than_an_account_has(deploy: Deploy, client: Client) -> None:
    deploy("most", reserved=900)
    deploy("least")
    with pytest.raises(ClientError, match="below its minimum value"):
        client("lambda").put_function_concurrency(
            FunctionName="least", ReservedConcurrentExecutions=1
        )


def test_the_log_of_a_call_is_complete_when_it_has_answered(deploy: Deploy, client: Client) -> None:
    deploy("logged")
    for name in ("first", "second"):
        payload = json.dumps({"name": name})
        answer = client("lambda").invoke(FunctionName="logged", Payload=payload, LogType="Tail")
        assert f"called by {name}" in _log(answer)


def _log(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _request(function: Function, **query: str) -> socket.socket:
    """Send a request and do not wait for its answer."""
    url = httpx.URL(function.url, params=query)
    parts = urlsplit(str(url))
    connection = socket.create_connection((parts.hostname, parts.port))
    head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n"
    connection.sendall(head.encode())
    return connection
