"""MQTT from a client to the stream of events: the stack's own rule, policy and function, deployed.

A broker of the platform follows them. It and the connections are ended again and again. The
environment variable SDP_TEST_MESSAGES has the number of distinct messages, 1,000 by default.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template as Rendered

import usecases
from infra.assets import Assets
from infra.settings import Settings as Deployment
from infra.stacks.mqtt import MqttStack
from infra.topology import Topology
from sdpctl.clock import pause
from sdpctl.local.mqtt import service
from sdpctl.local.processes import free_port
from sdpctl.settings import ROOT, Settings
from tests.emulator.conftest import Client
from tests.emulator.test_deploying_again import _deploy as deploy
from tests.unit.sdpctl.mqtt.brokers import Device

CATALOG = usecases.load(("machines",))
TOPOLOGY = Topology("sdp", CATALOG)
CODE = {"S3Bucket": "code-of-mqtt", "S3Key": "bundle.zip"}
EVENTS, LETTERS = "sdp-machines-measurements", "sdp-machines-dead-letters"
THINGS, RECONNECTS = 10, 5
EACH = int(os.environ.get("SDP_TEST_MESSAGES", "1000")) // THINGS


def template(assets: Assets) -> str:
    """The stack of MQTT, without what belongs to a deployment by the CDK."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    settings = Deployment.parse({**context, "useCases": "machines"}, CATALOG)
    app = cdk.App()
    topic = sns.Topic.from_topic_arn(
        cdk.Stack(app, "other"), "Topic", "arn:aws:sns:us-east-1:000000000000:alarms"
    )
    stack = MqttStack(app, "mqtt", topology=TOPOLOGY, topic=topic, settings=settings, assets=assets)
    rendered = Rendered.from_stack(stack).to_json()
    rendered.pop("Parameters", None)
    rendered.pop("Rules", None)
    for resource in rendered["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = CODE
    return json.dumps(rendered)


@pytest.fixture(scope="module")
def key(client: Client) -> str:
    """A key of the ingestion API, in its plan."""
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="sdp-ingestion")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="v1")
    plan = gateway.create_usage_plan(name="of-mqtt", apiStages=[{"apiId": api, "stage": "v1"}])[
        "id"
    ]
    made = gateway.create_api_key(name="of-mqtt", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    return str(gateway.get_api_key(apiKey=made["id"], includeValue=True)["value"])


@pytest.fixture(scope="module")
def broker(client: Client, settings: Settings, key: str) -> Iterator[Settings]:
    """The settings of a running broker, with the stack deployed."""
    client("s3").create_bucket(Bucket=CODE["S3Bucket"])
    client("s3").put_object(Bucket=CODE["S3Bucket"], Key=CODE["S3Key"], Body=_bundle())
    for name in (EVENTS, LETTERS):
        client("kinesis").create_stream(StreamName=name, ShardCount=1)
    options = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    deploy(client, "of-mqtt", template(Assets.built(ROOT)), **options)
    own = replace(settings, mqtt_port=free_port())
    start(own)
    yield own
    service.service(own).kill()


def start(settings: Settings) -> None:
    """As the platform's workers start it; it must be there."""
    assert service.follow(settings)
    await_(lambda: service.accepts(settings), "the broker accepts connections")


def _bundle() -> bytes:
    folder, packed = ROOT / "build" / "lambdas" / "bundle", io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, Path(path).relative_to(folder))
    return packed.getvalue()


def await_(found: Any, what: str) -> Any:
    """The first result that is not empty."""
    for _ in range(900):
        if result := found():
            return result
        pause(0.2)
    raise AssertionError(f"{what}: not within three minutes")


class Reader:
    """The records of a stream, read on from where it was."""

    def __init__(self, client: Client, stream: str) -> None:
        self._kinesis, self.records = client("kinesis"), list[dict[str, Any]]()
        self._iterators = [
            self._kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in self._kinesis.list_shards(StreamName=stream)["Shards"]
        ]

    def read(self) -> list[dict[str, Any]]:
        """All so far."""
        for number, iterator in enumerate(self._iterators):
            answer = self._kinesis.get_records(ShardIterator=iterator)
            self._iterators[number] = answer["NextShardIterator"]
            self.records += [json.loads(r["Data"]) for r in answer["Records"]]
        return self.records


def test_every_measurement_is_there_with_one_id_after_reconnects_and_repetitions(
    client: Client, broker: Settings, key: str
) -> None:
    """5 times the broker is killed; a tenth of the messages is sent twice, by the device itself."""
    devices = [Device(f"m{n}", key, clean_session=False) for n in range(THINGS)]
    for device in devices:
        device.reconnect_delay_set(1, 1)
        device.reach(broker.mqtt_port)
    for number in range(EACH):
        for device in devices:
            payload = {"result": number, "occurred_at": 1_795_000_000_000 + number}
            for _ in range(2 if number % 10 == 0 else 1):
                name = f"measurements/{device._client_id.decode()}/speed"
                device.publish(name, json.dumps(payload), qos=1)
        pause(0.012)  # below a hundred a second
        if number % (EACH // RECONNECTS) == EACH // RECONNECTS // 2:
            service.service(broker).kill()
            start(broker)
    for device in devices:
        device.await_acknowledged(EACH * 11 // 10)
        device.end()
    wanted = {(f"m{n}", float(number)) for n in range(THINGS) for number in range(EACH)}
    reader = Reader(client, EVENTS)
    await_(lambda: {(e["thing"], e["result"]) for e in reader.read()} == wanted, "all are there")
    ids = {(e["thing"], e["result"]): e["event_id"] for e in reader.records}
    assert len(reader.records) >= THINGS * EACH * 11 // 10
    assert all(ids[e["thing"], e["result"]] == e["event_id"] for e in reader.records)
    assert len(set(ids.values())) == len(wanted)
    assert Reader(client, LETTERS).read() == []


def test_a_malformed_message_is_a_dead_letter_with_its_topic_and_bytes(
    client: Client, broker: Settings, key: str
) -> None:
    device = Device("m9", key)
    device.reach(broker.mqtt_port)
    device.publish("measurements/m9/speed", b"\xff\x00fast", qos=1).wait_for_publish(60)
    device.end()
    reader = Reader(client, LETTERS)
    (letter,) = await_(reader.read, "the dead letter")
    assert letter["detail"].startswith("measurements/m9/speed: the payload is not JSON")
    assert base64.b64decode(letter["payload"]) == b"\xff\x00fast"
    assert (letter["stage"], letter["source"]["stream"]) == ("ingest", "sdp-machines-mqtt")


def test_the_example_of_the_page_publishes_two_measurements(
    client: Client, broker: Settings, key: str
) -> None:
    (block, printed) = re.findall(
        r"^```python\n(.*?)^```\n```\n(.*?)^```", (ROOT / "docs/mqtt.md").read_text(), re.M | re.S
    )[0]
    variables = {"SDP_API_KEY": key, "SDP_MQTT_PORT": str(broker.mqtt_port)}
    python = [str(broker.python("dev")), "-c", block]
    assert subprocess.check_output(python, env=os.environ | variables, text=True) == printed
    reader = Reader(client, EVENTS)
    quantities = {"speed": 600.0, "torque": 8.1}
    await_(
        lambda: (
            {e["quantity"]: e["result"] for e in reader.read() if e["thing"] == "press-1"}
            == quantities
        ),
        "both quantities",
    )
