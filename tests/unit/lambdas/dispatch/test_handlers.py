"""The functions as Lambda calls them: a record in, a message, an attempt, a dead letter out."""

import base64
import importlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from glue.actions import Dispatching
from lambdas.adapters.actions import DynamoActions
from lambdas.dispatch import handler
from lambdas.ports.actions import Status
from tests.unit.lambdas.dispatch.receiver import GONE_410, receiver
from tests.unit.lambdas.dispatch.world import NOON, action, create_table


class Context:
    """A Lambda context."""

    function_name = "dispatch"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, aws: None) -> Iterator[dict[str, str]]:
    """The parts of a deployment; what a test adds to the parameters is in the environment."""
    sqs = boto3.client("sqs")
    queues = {
        name: sqs.create_queue(QueueName=f"t-{name}")["QueueUrl"]
        for name in ("webhook", "bus", "topic")
    }
    create_table(boto3.client("dynamodb"), "t-dispatch")
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="t-dead-letters", ShardCount=1)
    topic = boto3.client("sns").create_topic(Name="t")["TopicArn"]
    secret = {"current": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    boto3.client("secretsmanager").create_secret(Name="t", SecretString=json.dumps(secret))
    actions = {"use_case": "shop", "secret": "t", "addresses": "any", "bus": "default"}
    monkeypatch.setenv("SDP_QUEUES", json.dumps(queues))
    monkeypatch.setenv("SDP_TABLES", '{"shop/dispatch":"t-dispatch"}')
    monkeypatch.setenv("SDP_STREAMS", '{"shop/dead-letters":"t-dead-letters"}')
    monkeypatch.setenv("SDP_ACTIONS", json.dumps({**actions, "topic": topic}))
    monkeypatch.setenv("SDP_PARAMETERS", json.dumps(Dispatching.parse({}).to_strings()))
    monkeypatch.setattr("lambdas.adapters.clock.now", lambda: NOON)
    _forget()
    yield queues
    _forget()


def _forget() -> None:
    for name in ("handler", "webhook", "bus", "topic"):
        importlib.import_module(f"lambdas.dispatch.{name}").bootstrap.cache_clear()


def kinesis_event(*contents: bytes) -> dict[str, Any]:
    """As Lambda's event source delivers records."""
    return {
        "Records": [
            {
                "kinesis": {
                    "partitionKey": "k",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(content).decode(),
                    "approximateArrivalTimestamp": 1772359200.5,
                },
                "eventID": f"shardId-000000000000:{number}",
                "eventSource": "aws:kinesis",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/t-actions",
            }
            for number, content in enumerate(contents)
        ]
    }


def sqs_event(url: str) -> dict[str, Any]:
    """The messages of a queue, as Lambda's event source delivers them."""
    found = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return {
        "Records": [
            {"messageId": m["MessageId"], "body": m["Body"]} for m in found.get("Messages", [])
        ]
    }


def status(destination: str) -> Status:
    """The state of the action at a destination."""
    stored = DynamoActions("t-dispatch").action("a-1")
    assert stored is not None
    return stored.states[destination].status


def test_an_action_goes_to_each_destination_and_poison_to_the_dead_letters(
    deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = kinesis_event(json.dumps(action("a-1")).encode(), b"\xff")
    assert handler.handler(event, Context()) == {"batchItemFailures": []}  # type: ignore[arg-type]
    with receiver() as one:
        parameters = Dispatching.parse({"ActionWebhook": one.url}).to_strings()
        monkeypatch.setenv("SDP_PARAMETERS", json.dumps(parameters))
        for name, url in deployed.items():
            function = importlib.import_module(f"lambdas.dispatch.{name}")
            assert function.handler(sqs_event(url), Context()) == {"batchItemFailures": []}
            assert status(name) is Status.SENT
        (arrival,) = one.arrivals
    assert arrival.headers["webhook-id"] == "a-1"
    assert arrival.headers["webhook-signature"].startswith("v1,")
    (letter,) = letters()
    assert (letter["stage"], letter["reason"]) == ("dispatch", "malformed")
    assert base64.b64decode(letter["payload"]) == b"\xff"


def test_the_time_of_each_stage_is_a_metric(
    deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lambdas.dispatch import webhook

    event = kinesis_event(json.dumps(action("a-1")).encode())
    event["Records"][0]["kinesis"]["approximateArrivalTimestamp"] = NOON.timestamp() - 0.5
    for _ in range(2):  # a record that comes again is measured once
        handler.handler(event, Context())  # type: ignore[arg-type]
        monkeypatch.setattr("lambdas.adapters.clock.now", lambda: NOON + timedelta(seconds=2))
        _forget()
    with receiver() as one:
        parameters = Dispatching.parse({"ActionWebhook": one.url}).to_strings()
        monkeypatch.setenv("SDP_PARAMETERS", json.dumps(parameters))
        webhook.handler(sqs_event(deployed["webhook"]), Context())  # type: ignore[arg-type]
    assert _metrics(capsys.readouterr().out, "Latency") == {
        "WriteLatency": [1500.0],
        "DispatchLatency": [500.0],
        "DeliveryLatency": [2000.0],
        "ActionLatency": [4000.0],
    }


def _metrics(printed: str, suffix: str) -> dict[str, list[float]]:
    """The values of metrics whose names end so, in CloudWatch's embedded metric format."""
    documents = (json.loads(line) for line in printed.splitlines() if '"_aws"' in line)
    found: dict[str, list[float]] = {}
    for document in documents:
        for name, value in document.items():
            if name.endswith(suffix):
                found.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    return found


def test_what_a_receiver_wants_no_more_is_a_dead_letter(
    deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambdas.dispatch import webhook

    handler.handler(kinesis_event(json.dumps(action("a-1")).encode()), Context())  # type: ignore[arg-type]
    with receiver(GONE_410) as one:
        parameters = Dispatching.parse({"ActionWebhook": one.url}).to_strings()
        monkeypatch.setenv("SDP_PARAMETERS", json.dumps(parameters))
        webhook.handler(sqs_event(deployed["webhook"]), Context())  # type: ignore[arg-type]
    assert status("webhook") is Status.DEAD
    (letter,) = letters()
    assert json.loads(base64.b64decode(letter["payload"]))["data"]["id"] == "a-1"


def test_a_record_is_delivered_again_while_its_queue_is_missing(
    deployed: dict[str, str],
) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=deployed["bus"])
    event = kinesis_event(b"\xff", json.dumps(action("a-1")).encode())
    answer = handler.handler(event, Context())  # type: ignore[arg-type]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def letters() -> list[dict[str, Any]]:
    """The dead letters."""
    kinesis = boto3.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName="t-dead-letters",
        ShardId="shardId-000000000000",
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    return [json.loads(r["Data"]) for r in kinesis.get_records(ShardIterator=iterator)["Records"]]
