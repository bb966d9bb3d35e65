"""A deployment's life: what a destroy leaves, and that the next deployment takes it over.

The stacks' own templates, cut down to what has data, by CloudFormation's own calls.
"""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Rendered
from botocore.exceptions import WaiterError

import usecases
from infra.constructs.streams import Streams
from infra.constructs.tables import Tables
from infra.settings import Settings
from infra.topology import Topology
from tests import streams
from tests.emulator.conftest import Client

STREAM, TABLE = "again-adtech-bcns", "again-progress"


@pytest.fixture(scope="module")
def template() -> str:
    """Every stream and every table of the platform, as its stacks declare them."""
    synthesizer = cdk.LegacyStackSynthesizer()  # without the bootstrap's parameter
    stack = cdk.Stack(cdk.App(), "again", synthesizer=synthesizer)
    settings = Settings.parse({"prefix": "again"})
    topology = Topology("again", usecases.load(("adtech",)))
    Streams(stack, "Streams", streams=topology.streams, settings=settings)
    Tables(stack, "Tables", topology=topology, settings=settings)
    return json.dumps(Rendered.from_stack(stack).to_json())


def _deploy(client: Client, name: str, template: str, **options: Any) -> None:
    """As `cdk deploy` does: a change set, executed."""
    stacks = client("cloudformation")
    made = stacks.create_change_set(
        StackName=name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=template, **options
    )
    patience = {"Delay": 1, "MaxAttempts": 120}
    change_set = {"ChangeSetName": made["Id"], "StackName": made["StackId"]}
    stacks.get_waiter("change_set_create_complete").wait(**change_set, WaiterConfig=patience)
    stacks.execute_change_set(**change_set)
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=patience)


def _destroy(client: Client, name: str) -> None:
    stacks = client("cloudformation")
    stacks.delete_stack(StackName=name)
    patience = {"Delay": 1, "MaxAttempts": 120}
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=patience)


def _streams(client: Client) -> list[str]:
    return [name for name in client("kinesis").list_streams()["StreamNames"] if "again" in name]


def test_a_first_deployment_that_fails_leaves_no_name_taken(client: Client, template: str) -> None:
    """With plain `Retain` its streams would stay, and no second attempt could create them."""
    broken = json.loads(template)
    broken["Resources"]["Wrong"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"MetricName": "m", "Namespace": "n", "EvaluationPeriods": 1},
        "DependsOn": sorted(json.loads(template)["Resources"]),
    }
    with pytest.raises(WaiterError):
        _deploy(client, "failing", json.dumps(broken))
    assert _streams(client) == []
    _destroy(client, "failing")


def test_data_outlives_a_destroy_and_is_taken_over_by_the_next_deployment(
    client: Client, template: str
) -> None:
    _deploy(client, "first", template)
    client("dynamodb").put_item(TableName=TABLE, Item={"use_case": {"S": "kept"}})
    client("kinesis").put_record(StreamName=STREAM, Data=b"kept", PartitionKey="k")
    _destroy(client, "first")
    assert STREAM in _streams(client)
    with pytest.raises(WaiterError):
        _deploy(client, "taken", template)
    _destroy(client, "taken")
    _deploy(client, "second", template, ImportExistingResources=True)
    found = client("dynamodb").get_item(TableName=TABLE, Key={"use_case": {"S": "kept"}})
    assert "Item" in found
    assert _records(client) == [b"kept"]


def _records(client: Client) -> list[bytes]:
    return [record["Data"] for record in streams.records(client("kinesis"), STREAM)]


def test_what_is_kept_has_a_name_that_cloudformation_can_find_it_by(template: str) -> None:
    """By its literal name; one from a reference is not imported."""
    for resource in json.loads(template)["Resources"].values():
        key = {"AWS::Kinesis::Stream": "Name", "AWS::DynamoDB::Table": "TableName"}
        assert isinstance(resource["Properties"][key[resource["Type"]]], str)
