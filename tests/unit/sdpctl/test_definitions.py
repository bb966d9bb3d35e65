"""`./sdp definitions` against the API itself, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from glue.instants import from_millis, to_wire
from sdpctl.commands import definitions as command
from sdpctl.errors import CommandError
from tests.unit.lambdas.definitions.memory import NOW, Door

RULE = '{"kind_of_event": "shopping", "expression": "event.balance < 200.0"}'
AT = ["--url", "http://door", "--api-key", "k"]


@pytest.fixture(autouse=True)
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The API, behind the client of the command."""
    made = Door()

    class Client(httpx.Client):
        def request(self, method: str, url: Any, **more: Any) -> Any:
            assert self.headers["x-api-key"] == "k"
            return made.client.request(method, str(url), **more)

    monkeypatch.setattr(command.httpx, "Client", Client)
    yield made


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(command.definitions, [*arguments, *AT])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_definition_is_put_shown_and_deleted() -> None:
    put = json.loads(run("put", "rule", "spending", RULE, "--shadow"))
    assert (put["version"], put["mode"]) == (1, "shadow")
    assert json.loads(run("show", "rule", "spending")) == put
    assert json.loads(run("delete", "rule", "spending", "--if-match", "1"))["ended"]
    history = json.loads(run("show", "rule", "spending", "--history", "--json"))
    assert [v["version"] for v in history] == [2, 1]


def test_the_kinds_are_listed_as_the_api_takes_them() -> None:
    """Without a platform; each with the modes that it has, and whether it can be tested."""
    runner = CliRunner()
    listed = json.loads(runner.invoke(command.definitions, ["kinds", "--json"]).output)
    found = {(k["use_case"], k["kind"]): (k["modes"], k["tested"]) for k in listed}
    both = ["live", "shadow"]
    assert found == {
        ("shopping", "rule"): (both, True),
        ("shopping", "template"): (both, True),
        ("shopping", "threshold"): (both, False),
        ("shopping", "feature"): (["live"], True),
        ("machines", "join"): (["live"], False),
    }
    table = runner.invoke(command.definitions, ["kinds", "--use-case", "shopping"]).output
    assert "kind_of_event, expression, [action], [priority]" in table
    assert "join" not in table
    refused = runner.invoke(command.definitions, ["kinds", "--use-case", "adtech"]).exception
    assert (
        str(refused) == "use case 'adtech' has no definitions; those with some: shopping, machines"
    )


def test_a_document_may_be_a_file(tmp_path: Any) -> None:
    path = tmp_path / "rule.json"
    path.write_text(RULE)
    assert json.loads(run("put", "rule", "x", str(path)))["version"] == 1
    with pytest.raises(CommandError, match="No such file"):
        run("put", "rule", "x", "missing.json")
    with pytest.raises(CommandError, match="not JSON"):
        run("put", "rule", "x", "{")


def test_all_pages_are_listed() -> None:
    for n in range(130):
        run("put", "rule", f"r{n:03d}", RULE)
    assert len(json.loads(run("list", "rule", "--json"))) == 130
    assert "r129" in run("list")


def test_an_error_has_its_place() -> None:
    wrong = RULE.replace("balance", "blance")
    with pytest.raises(CommandError, match=r"400: .*fields: .*\(/expression, line 1, column 6\)"):
        run("put", "rule", "x", wrong)
    run("put", "rule", "x", RULE)
    with pytest.raises(CommandError, match="412"):
        run("put", "rule", "x", RULE, "--if-match", "7")


def test_samples_are_tried() -> None:
    events = '[{"event": {"balance": 1.0}}]'
    answer = json.loads(run("test", "rule", "x", RULE, "--events", events))
    assert answer["results"][0]["result"] is True


def test_a_range_of_the_lake_is_tried(door: Door) -> None:
    at = from_millis(NOW + 60_000)
    row = {"id": "e", "kind": "shopping", "subject": "c", "occurred_at": at, "balance": 250.0}
    door.events.rows.append(row)
    door.events.profiles["e"] = {"customer_id": "k", "age": 30}
    rule = RULE.replace("event.balance < 200.0", "profile.age > 20")
    span = ("--from", to_wire(from_millis(NOW)), "--to", to_wire(from_millis(NOW + 120_000)))
    answer = json.loads(run("test", "rule", "x", rule, *span))
    assert (answer["events"], answer["passed"], answer["complete"]) == (1, 1, True)
    with pytest.raises(CommandError, match=r"400: .*to is missing.* \(/to\)"):
        run("test", "rule", "x", rule, *span[:2])
