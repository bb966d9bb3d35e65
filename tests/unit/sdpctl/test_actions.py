"""`./sdp actions` over the tables, queues and secrets of a deployment; `./sdp receiver`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from glue import Actions, Catalog, instants
from infra.topology import Topology
from lambdas.adapters.actions import DynamoActions
from lambdas.adapters.clock import now as wall_clock
from lambdas.dispatch.signing import headers
from lambdas.ports.actions import Outcome, State, Status
from sdpctl.cli import app
from sdpctl.commands import actions as command
from sdpctl.dispatched import Dispatched
from sdpctl.errors import CommandError
from sdpctl.receiver import Arrival, Receiver
from tests.infrastructure.dispatching import CATALOG, GATES
from tests.unit.lambdas.adapters.test_destinations import decision
from tests.unit.lambdas.dispatch.world import NOON, create_table

DISPATCH = Topology("sdp", CATALOG).dispatches[0]
DEAD = State(attempt=9, tries=9, since=NOON, status=Status.DEAD, error="HTTP 503", at=NOON)
KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoActions]:
    """A deployment with four actions: sent, dead at one of two, capped, and another customer's."""
    for name, value in (
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        clients = [boto3.client(n) for n in ("dynamodb", "sqs", "secretsmanager")]  # type: ignore[call-overload]
        create_table(clients[0], DISPATCH.name)
        for name in ("webhook", "bus"):
            clients[1].create_queue(QueueName=DISPATCH.queue(name))
        secret = json.dumps({"current": KEY})
        clients[2].create_secret(Name=DISPATCH.secret, SecretString=secret)
        deployed = Dispatched(DISPATCH, *clients)
        monkeypatch.setattr(command, "dispatched", lambda *_: deployed)
        monkeypatch.setattr(command, "now", lambda: NOON)
        store = DynamoActions(DISPATCH.name)
        body = json.dumps({"data": {"message": "[bold]Hi[/bold]"}})
        sent = State(attempt=1, status=Status.SENT, at=NOON)
        for number, more in enumerate(
            (
                {"states": {"webhook": sent}},
                {"states": {"webhook": DEAD, "bus": sent}},
                {"states": {}, "outcome": Outcome.CAPPED},
                {"states": {"bus": State(since=NOON)}, "customer": "bob"},
            )
        ):
            at = NOON - timedelta(hours=30 - number)
            store.enter(decision(f"a-{number}", body, decided_at=at, **more), None, None)
        yield store


def run(*arguments: str) -> str:
    done = CliRunner(env={"COLUMNS": "300"}).invoke(app("actions"), ["actions", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def listed(*arguments: str) -> list[str]:
    """The ids that are listed, in order."""
    return [json.loads(line)["id"] for line in run("--json", *arguments).splitlines()]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ((), ["a-3", "a-2", "a-1", "a-0"]),
        (("--limit", "2"), ["a-3", "a-2"]),
        (("--customer", "ada"), ["a-2", "a-1", "a-0"]),
        (("--customer", "eve"), []),
        (("--status", "dead"), ["a-1"]),
        (("--status", "capped"), ["a-2"]),
        (("--status", "pending"), ["a-3"]),
        (("--days", "1"), []),
    ],
)
def test_actions_are_listed_newest_first(
    store: DynamoActions, arguments: tuple[str, ...], ids: list[str]
) -> None:
    assert listed(*arguments) == ids


def test_a_line_has_the_message_as_it_is_and_why_a_destination_failed(
    store: DynamoActions,
) -> None:
    shown = run()
    assert "[bold]Hi[/bold]" in shown
    assert "webhook dead: HTTP 503" in shown


def test_an_action_is_shown_with_its_body_and_an_unknown_one_is_an_error(
    store: DynamoActions,
) -> None:
    found = json.loads(run("show", "a-1"))
    assert found["body"] == {"data": {"message": "[bold]Hi[/bold]"}}
    assert found["destinations"]["webhook"]["attempts"] == 9
    with pytest.raises(CommandError, match="a-9: unknown action"):
        run("show", "a-9")


def test_what_is_dead_is_sent_again_as_another_attempt(store: DynamoActions) -> None:
    assert run("resend", "--dry-run") == "webhook  a-1\n1 would be sent again\n"
    assert run("resend") == "webhook  a-1\n1 sent again\n"
    stored = store.action("a-1")
    assert stored is not None
    assert stored.states["webhook"] == State(10, 0, NOON, NOON, error="HTTP 503", at=NOON)
    assert _messages("webhook") == [{"id": "a-1", "attempt": 10}]
    assert run("resend") == "0 sent again\n"


def test_what_waits_is_sent_again_where_it_is_requested(store: DynamoActions) -> None:
    assert run("resend", "a-3") == "0 sent again\n"
    assert run("resend", "a-3", "--pending") == "bus  a-3\n1 sent again\n"
    assert _messages("bus") == [{"id": "a-3", "attempt": 1}]


def _messages(destination: str) -> list[dict[str, Any]]:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=DISPATCH.queue(destination))["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    return [json.loads(message["Body"]) for message in found]


def test_a_webhook_is_enabled_once(store: DynamoActions) -> None:
    store.disable("webhook", "https://a", NOON)
    assert run("enable") == "the webhook is enabled\n"
    assert store.disabled("webhook") is None
    assert run("enable") == "the webhook was not disabled\n"


def test_a_new_key_signs_beside_the_former_one(store: DynamoActions) -> None:
    assert run("key") == f"whsec_{KEY}\n"
    new = run("rotate", "--overlap", "PT1H").strip()
    stored = boto3.client("secretsmanager").get_secret_value(SecretId=DISPATCH.secret)
    assert json.loads(stored["SecretString"]) == {
        "current": new.removeprefix("whsec_"),
        "previous": KEY,
        "previous_until": instants.to_wire(NOON + timedelta(hours=1)),
    }
    assert run("key") == f"{new}\n"


def test_wrong_options_are_errors_with_the_choices(store: DynamoActions) -> None:
    with pytest.raises(CommandError, match="--status 'lost': unknown; choose from capped"):
        run("--status", "lost")
    with pytest.raises(CommandError, match="--overlap"):
        run("rotate", "--overlap", "1h")


def test_a_deployment_without_actions_says_so() -> None:
    without = Topology("sdp", Catalog(()))
    with pytest.raises(CommandError, match="no deployed use case has actions"):
        command.chosen(without, None)
    with pytest.raises(CommandError, match="--use-case shop: has no actions; with actions: gates"):
        command.chosen(Topology("sdp", CATALOG), "shop")
    assert command.chosen(Topology("sdp", CATALOG), None).use_case == GATES.name
    assert isinstance(GATES.actions, Actions)


# --- the receiver


@contextmanager
def _serving(one: Receiver) -> Iterator[str]:
    with one.server(0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_the_receiver_accepts_what_is_signed_and_refuses_all_else() -> None:
    arrivals: list[Arrival] = []
    body = '{"data":{"kind":"shopping","message":"Hi"}}'
    signed = headers([KEY], "a-1", wall_clock(), body)
    with _serving(Receiver([KEY], arrivals.append)) as url:
        answers = [
            httpx.post(url, content=body, headers=signed).status_code,
            httpx.post(url, content=body, headers=signed).status_code,
            httpx.post(url, content=body + " ", headers=signed).status_code,
            httpx.post(url, content=body).status_code,
        ]
    assert answers == [204, 204, 401, 401]
    assert [arrival.repeated for arrival in arrivals[:2]] == [False, True]
    assert arrivals[0].action["message"] == "Hi"
    assert [bool(arrival.refused) for arrival in arrivals] == [False, False, True, True]


def test_the_receiver_fails_on_request() -> None:
    signed = headers([KEY], "a-1", wall_clock(), "{}")
    with _serving(Receiver([KEY], lambda _: None, 503)) as url:
        assert httpx.post(url, content="{}", headers=signed).status_code == 503
