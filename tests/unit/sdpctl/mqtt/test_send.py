"""`./sdp send --mqtt` as it is called: its counts, its exit status, and its errors."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from glue.mqtt import PAYLOAD_BYTES
from sdpctl import publishing
from sdpctl.commands.send import send
from sdpctl.errors import CommandError
from sdpctl.local.processes import free_port
from sdpctl.settings import ROOT
from tests.unit.sdpctl.mqtt.brokers import KEY, FakeDoor

app = typer.Typer()
app.command()(send)


def line(thing: str = "m1", quantity: str = "speed", **more: Any) -> bytes:
    """A measurement."""
    event = {"type": "measurement", "thing": thing, "quantity": quantity, "result": 1.5, **more}
    return json.dumps(event).encode()


def invoke(tmp_path: Path, url: str, lines: list[bytes], *options: str, key: str = KEY) -> Result:
    """The command on a file of these lines."""
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(lines))
    arguments = [str(tmp_path / "events.ndjson"), "--mqtt", "--url", url, "--api-key", key]
    return CliRunner().invoke(app, [*arguments, *options])


def local(port: int) -> str:
    """The address of the broker."""
    return f"mqtt://127.0.0.1:{port}"


def shown(result: Result) -> str:
    """What is printed, without the breaks of its lines."""
    return " ".join(result.stderr.split())


def test_messages_are_counted_and_published_on_the_topics_of_their_things(
    tmp_path: Path, port: int, door: FakeDoor
) -> None:
    lines = [line("m1"), b"", line("m2", "torque", event_id="e1")]
    result = invoke(tmp_path, local(port), lines)
    assert result.exit_code == 0, result.stderr
    assert "accepted 2 rejected 0 unanswered 0" in shown(result)
    assert sorted((m.client_id, m.topic, json.loads(m.payload)) for m in door.stored) == [
        ("m1", "measurements/m1/speed", {"type": "measurement", "result": 1.5}),
        (
            "m2",
            "measurements/m2/torque",
            {"type": "measurement", "event_id": "e1", "result": 1.5},
        ),
    ]


def test_lines_are_read_from_standard_input(port: int, door: FakeDoor) -> None:
    options = ["-", "--mqtt", "--url", local(port), "--api-key", KEY]
    result = CliRunner().invoke(app, options, input=line() + b"\n" + line("m2"))
    assert (result.exit_code, len(door.stored)) == (0, 2), result.stderr


TOO_LONG = 1 + PAYLOAD_BYTES - len(b'{"type":"measurement","result":1.5,"note":""}')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"type": "measurement", "thing"', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (line(note="x" * TOO_LONG), f"{PAYLOAD_BYTES + 1} bytes on a topic of 21; a message has"),
        (line(quantity="q" * 241), "on a topic of 257; a message has at most"),
        (line(quantity=""), "quantity '' cannot be a level of a topic"),
        (line(quantity="a/b"), "quantity 'a/b' cannot be a level of a topic"),
        (line(quantity="+"), "quantity '+' cannot be a level of a topic"),
        (line(quantity="a#"), "quantity 'a#' cannot be a level of a topic"),
        (line(quantity="a\0b"), r"quantity 'a\x00b' cannot be a level of a topic"),
        (line(thing="press 1"), "thing 'press 1' cannot connect: a client id has 1 to 128 letters"),
        (line(thing="größe"), "thing 'größe' cannot connect"),
        (line(thing="t" * 129), "cannot connect"),
        (line(type="bid"), "type 'bid' has no topic; types: measurement"),
        (b'{"thing": "m1"}', "type None has no topic; types: measurement"),
        (b'{"type": "measurement", "quantity": "speed"}', "thing '' cannot be a level"),
    ],
)
def test_a_line_that_is_no_message_is_named_and_the_others_are_published(
    tmp_path: Path, port: int, door: FakeDoor, content: bytes, message: str
) -> None:
    kept = tmp_path / "kept.ndjson"
    result = invoke(
        tmp_path, local(port), [line("m1"), content, line("m2")], "--rejected", str(kept)
    )
    assert result.exit_code == 1
    assert "accepted 2 rejected 1 unanswered 0" in shown(result)
    (entry,) = map(json.loads, kept.read_text().splitlines())
    assert entry["line"] == 2 and message in entry["message"]
    assert entry["record"] == content.decode("utf-8", "backslashreplace")
    assert "line 2: " in shown(result)
    assert {m.client_id for m in door.stored} == {"m1", "m2"}


@pytest.mark.parametrize("quantity", ["Größe °C", "a.b-c_d:e", "$rpm", "温度", 'a"b', "%20"])
def test_odd_characters_of_a_quantity_arrive_as_they_are(
    tmp_path: Path, port: int, door: FakeDoor, quantity: str
) -> None:
    result = invoke(tmp_path, local(port), [line(quantity=quantity)])
    assert result.exit_code == 0, result.stderr
    assert [m.topic for m in door.stored] == [f"measurements/m1/{quantity}"]


def test_a_payload_and_a_topic_may_be_as_long_as_the_limits(
    tmp_path: Path, port: int, door: FakeDoor
) -> None:
    longest = "q" * (256 - len("measurements/m1/"))
    lines = [line(note="x" * (TOO_LONG - 1)), line(quantity=longest)]
    result = invoke(tmp_path, local(port), lines)
    assert result.exit_code == 0, result.stderr
    assert sorted(len(m.topic) for m in door.stored) == [21, 256]
    assert max(len(m.payload) for m in door.stored) == PAYLOAD_BYTES


def test_events_of_another_use_case_are_rejected_where_one_is_named(
    tmp_path: Path, port: int
) -> None:
    lines = [line(), line(type="bid")]
    result = invoke(tmp_path, local(port), lines, "--use-case", "machines")
    assert result.exit_code == 1
    message = "line 2 /type: 'bid' is not an event of the use case machines; its events: "
    assert f"{message}measurement" in shown(result)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1883", "127.0.0.1", "mqtt://", "mqtt://127.0.0.1:none", "mqtt://[::1"]
)
def test_what_is_no_address_of_a_broker_is_refused_at_once(tmp_path: Path, url: str) -> None:
    result = invoke(tmp_path, url, [line()])
    assert isinstance(result.exception, CommandError), result.exception
    assert str(result.exception) == f"--url {url.rstrip('/')}: give mqtt://HOST:PORT"


def test_a_broker_that_is_gone_leaves_the_counts_of_what_was_published_before(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thing cannot connect, because it cannot find the broker any more."""
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 1.0)
    connect = publishing.Client.connect

    def only_once(client: publishing.Client, host: str, port: int, **more: Any) -> Any:
        if client._client_id == b"m2":
            raise socket.gaierror(-2, "Name or service not known")
        return connect(client, host, port, **more)

    monkeypatch.setattr(publishing.Client, "connect", only_once)
    result = invoke(tmp_path, local(port), [line("m1"), b"{oops", line("m2")])
    assert isinstance(result.exception, CommandError)
    assert "Name or service not known" in str(result.exception)
    assert "accepted 1 rejected 1 unanswered 0" in shown(result)


def test_what_never_answers_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = local(silent.getsockname()[1])
        result = invoke(tmp_path, url, [line()])
    assert str(result.exception) == f"{url}: no answer within 0.5 s"


# the process --------------------------------------------------------------------------------------


def process(tmp_path: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user has it, with the key in the environment."""
    (tmp_path / "events.ndjson").write_bytes(line())
    return subprocess.run(
        [sys.executable, "-m", "sdpctl", "send", "events.ndjson", "--mqtt", "--url", url],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SDP_API_KEY": key, "SDP_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_wrong_key_is_one_message_that_says_which_key_it_must_be(
    tmp_path: Path, port: int, door: FakeDoor
) -> None:
    done = process(tmp_path, local(port), "wrong")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        f"{local(port)} refuses m1: Bad user name or password; --api-key, or SDP_API_KEY, must be "
        "a key of this deployment"
    )
    assert "Traceback" not in done.stderr and not door.stored


def test_a_broker_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    url = local(free_port())
    done = process(tmp_path, url, KEY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        f"{url}: Connection refused; './sdp status' shows the broker"
    )
    assert "Traceback" not in done.stderr
