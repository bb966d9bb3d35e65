"""What `./sdp compact` asks the function and shows of its answer."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from glue import PlatformError
from sdpctl import deployment
from sdpctl.cli import app
from sdpctl.errors import CommandError

DONE = {
    "use_case": "adtech",
    "table": "parquet_bcns",
    "date": "2026-11-21",
    "hour": "10",
    "action": "compacted",
    "files_before": 1_000,
    "files_after": 8,
    "bytes_before": 2**30,
    "bytes_after": 2**29,
    "rows": 1_234_567,
    "repeats_dropped": 89,
    "objects_removed": 0,
}


class Function:
    """Returns a fixed response, and records the request."""

    def __init__(self, content: Any, error: str | None = None) -> None:
        self.content, self.error = content, error
        self.requested: dict[str, Any] = {}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.requested = {"name": FunctionName, **json.loads(Payload)}
        answer = {"Payload": io.BytesIO(json.dumps(self.content).encode())}
        return {**answer, "FunctionError": self.error} if self.error else answer


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def deploy(function: Function) -> Function:
        monkeypatch.setattr(deployment, "client", lambda *_, **__: function)
        monkeypatch.setattr(deployment, "output", lambda *_: "the-function")
        monkeypatch.setattr(deployment, "outputs", lambda *_: {"UseCases": "adtech"})
        return function

    return deploy


def run(*arguments: str) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app("compact"), ["compact", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def test_each_hour_is_a_line(deployed: Any) -> None:
    deployed(Function({"hours": [DONE]}))
    shown = run()
    assert "parquet_bcns 2026-11-21 10" in shown
    for text in ("compacted", "1,000 → 8", "1,024.0 → 512.0", "1,234,567", "89"):
        assert text in shown


def test_only_what_was_asked_for_is_sent(deployed: Any) -> None:
    function = deployed(Function({"hours": []}))
    shown = run("--table", "bcns", "--date", "2026-11-21", "--hour", "09", "--dry-run")
    assert function.requested == {
        "name": "the-function",
        "table": "bcns",
        "date": "2026-11-21",
        "hour": "09",
        "dry_run": True,
    }
    assert "nothing to do" in shown


def test_programs_get_the_answer_as_it_is(deployed: Any) -> None:
    deployed(Function({"hours": [DONE]}))
    assert json.loads(run("--json")) == [DONE]


def test_the_functions_error_is_shown_as_it_is(deployed: Any) -> None:
    deployed(Function({"errorType": "LostLease", "errorMessage": "took too long"}, "Unhandled"))
    with pytest.raises(CommandError, match=r"^LostLease: took too long"):
        run()


def test_the_runtimes_own_names_are_left_out(deployed: Any) -> None:
    failed = {"errorType": "Runtime.HandlerError", "errorMessage": "took too long"}
    deployed(Function(failed, "Unhandled"))
    with pytest.raises(CommandError, match=r"^took too long"):
        run()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--hour", "99", "hour '99': expected 00 to 23"),
        ("--date", "foo", "date 'foo': expected YYYY-MM-DD, like 2026-11-21"),
        ("--date", "2026-13-01", "date '2026-13-01': expected YYYY-MM-DD, like 2026-11-21"),
        ("--table", "nope", "table nope is unknown; tables: .*'parquet_bcns'"),
    ],
)
def test_what_cannot_be_is_refused_without_asking(
    deployed: Any, option: str, value: str, said: str
) -> None:
    function = deployed(Function({"hours": []}))
    with pytest.raises(PlatformError, match=f"^{said}"):
        run(option, value)
    assert function.requested == {}
