"""Actions from their stream to each destination, by the stack's own resources and functions."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Rendered
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from glue import instants
from infra.assets import Assets
from infra.constructs.dispatch import ActionDispatch
from infra.constructs.streams import NamedStreams
from infra.settings import Settings as Deployment
from infra.topology import Topology
from lambdas.adapters.actions import DynamoActions
from lambdas.ports.actions import Decision, Status
from sdpctl.cli import app
from sdpctl.clock import now, pause
from sdpctl.commands import actions as command
from sdpctl.dispatched import Dispatched, shown
from sdpctl.settings import ROOT
from sdpctl.streams import since
from tests.emulator.conftest import Client
from tests.emulator.test_deploying_again import _deploy as deploy
from tests.infrastructure.dispatching import CATALOG
from tests.unit.lambdas.dispatch.receiver import GONE_410, MOVED, Arrival, Receiver, receiver
from tests.unit.lambdas.dispatch.world import action

TOPOLOGY = Topology("sent", CATALOG)
DISPATCH = TOPOLOGY.dispatches[0]
CODE = {"S3Bucket": "code-of-tests", "S3Key": "bundle.zip"}


def template(url: str, assets: Assets) -> str:
    """The resources of dispatch, with every destination; the functions run the built bundle."""
    chosen = {"ActionWebhook": url, "ActionBus": "default", "ActionTopic": "sent"}
    settings = Deployment.parse(
        {**chosen, "prefix": "sent", "webhookAddresses": "any", "actionConcurrency": "2"}, CATALOG
    )
    stack = cdk.Stack(cdk.App(), "sent", synthesizer=cdk.LegacyStackSynthesizer())
    (letters,) = TOPOLOGY.dead_letter_streams
    streams = NamedStreams(stack, "Streams", streams=[DISPATCH.stream, letters]).by_key
    ActionDispatch(
        stack,
        "gates",
        dispatch=DISPATCH,
        dispatching=settings.dispatching["gates"],
        actions=streams[DISPATCH.stream.key],
        letters=letters,
        letter_stream=streams[letters.key],
        settings=settings,
        assets=assets,
    )
    rendered = Rendered.from_stack(stack).to_json()
    rendered.pop("Parameters", None)  # of assets
    for resource in rendered["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = CODE
            # The catalog of the bundle has the use cases of the project alone.
            resource["Properties"]["Environment"]["Variables"]["SDP_USE_CASES"] = "adtech"
    return json.dumps(rendered)


@pytest.fixture(scope="module")
def one(client: Client) -> Iterator[Receiver]:
    """A receiver whose deployment is there; it answers the first request with a redirect."""
    with receiver(MOVED) as started:
        client("s3").create_bucket(Bucket=CODE["S3Bucket"])
        client("s3").put_object(Bucket=CODE["S3Bucket"], Key=CODE["S3Key"], Body=_bundle())
        for name in ("actions", "dead-letters"):
            client("kinesis").create_stream(StreamName=f"sent-gates-{name}", ShardCount=1)
        client("sns").create_topic(Name="sent")
        deploy(
            client,
            "sent",
            template(started.url, Assets.built(ROOT)),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        yield started


def _bundle() -> bytes:
    folder, packed = ROOT / "build" / "lambdas" / "bundle", io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, Path(path).relative_to(folder))
    return packed.getvalue()


def await_(found: Callable[[], Any], what: str) -> Any:
    """The first result that is not empty."""
    for _ in range(600):
        if result := found():
            return result
        pause(0.2)
    raise AssertionError(f"{what}: not within two minutes")


@pytest.fixture(scope="module")
def deployed(client: Client, one: Receiver) -> Dispatched:
    """The actions of the deployment."""
    return Dispatched(DISPATCH, client("dynamodb"), client("sqs"), client("secretsmanager"))


def put(client: Client, row: dict[str, Any]) -> None:
    """An action, as the application writes it."""
    stream = {"StreamName": DISPATCH.stream.name, "PartitionKey": "k"}
    client("kinesis").put_record(Data=json.dumps(row).encode(), **stream)


def verified(deployed: Dispatched, arrival: Arrival) -> Any:
    """The action of a webhook whose signature is right."""
    key = shown(deployed.keys()["current"])
    return Webhook(key).verify(arrival.body, arrival.headers)["data"]


def test_an_action_reaches_each_destination_once_it_is_in_the_stream(
    client: Client, deployed: Dispatched, one: Receiver
) -> None:
    row = action("a-1", occurred_at=instants.to_wire(now()))
    put(client, row)

    def sent() -> Decision | None:
        found = list(deployed.newest("ada", now() - timedelta(hours=1), now()))
        return next(
            (a for a in found if {s.status for s in a.states.values()} == {Status.SENT}), None
        )

    decided = await_(sent, "sent everywhere")
    assert set(decided.states) == {"webhook", "bus", "topic"}
    assert decided.states["webhook"].tries == 1
    assert len(one.arrivals) == 2
    assert {a.body for a in one.arrivals} == {decided.body.encode()}
    assert all(verified(deployed, arrival) == row for arrival in one.arrivals)


def test_a_dead_action_that_is_sent_again_arrives_with_its_id_and_its_body(
    client: Client, deployed: Dispatched, one: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver answers 410, so that the action is dead at once, and wants it later."""
    before = len(one.arrivals)
    one.modes.append(GONE_410)
    row = action("a-2", "bob", occurred_at=instants.to_wire(now()))
    put(client, row)
    await_(lambda: _status(deployed, "a-2") is Status.DEAD, "dead")
    letter = await_(lambda: _letter(client, "a-2"), "its dead letter")
    assert (letter["stage"], letter["reason"]) == ("dispatch", "undelivered")
    assert "./sdp actions resend a-2" in letter["detail"]

    monkeypatch.setattr(command, "dispatched", lambda *_: deployed)
    assert _sdp("enable") == "the webhook is enabled\n"
    assert _sdp("resend") == "webhook  a-2\n1 sent again\n"
    await_(lambda: _status(deployed, "a-2") is Status.SENT, "sent again")
    first, second = one.arrivals[before:]
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "a-2"
    assert first.body == second.body == base64.b64decode(letter["payload"])
    assert verified(deployed, first) == verified(deployed, second) == row
    assert _sdp("resend") == "0 sent again\n"


def _status(deployed: Dispatched, id_: str) -> Status | None:
    found = DynamoActions(DISPATCH.name, deployed.tables).action(id_)
    return found and found.states["webhook"].status


def _letter(client: Client, id_: str) -> dict[str, Any] | None:
    """The dead letter of an action, once it is there."""
    (letters,) = TOPOLOGY.dead_letter_streams
    found = since(client("kinesis"), letters.name, now() - timedelta(hours=1))
    return next((dict(a.row) for a in found if a.row["event_id"] == id_), None)


def _sdp(*arguments: str) -> str:
    """What `./sdp actions` prints."""
    done = CliRunner().invoke(app("actions"), ["actions", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout
