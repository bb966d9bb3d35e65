"""MQTT: the rule, what it may do, and what a thing may do; nothing where no topics are declared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

import usecases
from infra.assets import Assets
from infra.settings import Settings
from infra.stacks.mqtt import MqttStack
from infra.stacks.observability import ObservabilityStack
from infra.topology import Topology
from tests.infrastructure.conftest import Synthesis, Template, templates
from tests.infrastructure.grants import roles, text

ROOT = Path(__file__).parents[2]
CATALOG = usecases.load(("machines",))


@pytest.fixture(scope="module")
def machines(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The stack of MQTT and the one it needs, checked."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= {"useCases": "machines", "regions": "us-east-1"}
    settings = Settings.parse(context, CATALOG)
    out = tmp_path_factory.mktemp("mqtt")
    app = cdk.App(outdir=str(out), context=context)
    stage = cdk.Stage(app, "sdp-us-east-1", env=cdk.Environment(region="us-east-1"))
    topology = Topology(settings.prefix, CATALOG, settings.applications)
    watch = ObservabilityStack(stage, "observability", topology=topology, settings=settings)
    MqttStack(stage, "mqtt", topology=topology, topic=watch.topic, settings=settings, assets=assets)
    cdk.Validations.of(stage).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    report = json.loads((out / "validation-report.json").read_text())
    return Synthesis(tuple(templates(out)), report["pluginReports"][0])


@pytest.fixture(scope="module")
def template(machines: Synthesis) -> Template:
    """The stack of MQTT."""
    return machines.stack("sdp-us-east-1-mqtt")


def rule(template: Template) -> dict[str, Any]:
    """The rule's payload."""
    (found,) = template.properties("AWS::IoT::TopicRule")
    return dict(found["TopicRulePayload"])


def test_the_checks_find_nothing(machines: Synthesis) -> None:
    assert machines.checks["violations"] == []


def test_a_message_is_stored_with_its_bytes_topic_and_time_under_its_thing(
    template: Template,
) -> None:
    """Functions alone, so that AWS evaluates it for bytes that are no JSON too."""
    assert rule(template)["Sql"] == (
        "SELECT encode(*, 'base64') AS payload, topic() AS topic, timestamp() AS received_at "
        "FROM 'measurements/+/#'"
    )
    assert rule(template)["AwsIotSqlVersion"] == "2016-03-23"
    (action,) = rule(template)["Actions"]
    assert action["Kinesis"]["PartitionKey"] == "${topic(2)}"


def test_the_rule_may_put_into_the_stream_of_messages_alone(template: Template) -> None:
    (role,) = (r for r in roles(template) if r.service == "iot.amazonaws.com")
    (stream,) = template.all("AWS::Kinesis::Stream")
    assert {(g.action, g.resource) for g in role.grants} == {("kinesis:PutRecord", f"{{{stream}}}")}


def test_what_the_rule_cannot_store_goes_to_the_function_of_messages(template: Template) -> None:
    """That makes a dead letter of it, or its asynchronous call ends in the queue of failures."""
    failed = rule(template)["ErrorAction"]["Lambda"]["FunctionArn"]
    (permission,) = template.properties("AWS::Lambda::Permission")
    assert permission["FunctionName"] == failed
    assert permission["Principal"] == "iot.amazonaws.com"
    assert "SourceAccount" in permission and "SourceArn" in permission
    (invocation,) = template.properties("AWS::Lambda::EventInvokeConfig")
    assert "OnFailure" in invocation["DestinationConfig"]


def test_a_batch_that_fails_is_halved_and_tried_until_its_records_expire(
    template: Template,
) -> None:
    (source,) = template.properties("AWS::Lambda::EventSourceMapping")
    assert source["BisectBatchOnFunctionError"] is True
    assert source["MaximumRetryAttempts"] == -1
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert "OnFailure" in source["DestinationConfig"]


def test_the_function_of_messages_writes_what_it_counts_and_reads_nothing_of_it(
    template: Template,
) -> None:
    (function,) = (r for r in roles(template) if r.on("kinesis:PutRecords"))
    grants = {(g.action, g.resource) for g in function.grants if "dynamodb" in g.action}
    ((action, table),) = grants
    assert action == "dynamodb:PutItem" and table.endswith(":table/sdp-ledger")


def test_a_thing_connects_as_itself_and_publishes_to_its_own_topics_alone(
    template: Template,
) -> None:
    (policy,) = template.properties("AWS::IoT::Policy")
    connect, publish = policy["PolicyDocument"]["Statement"]
    thing = "${iot:Connection.Thing.ThingName}"
    assert connect["Action"] == "iot:Connect"
    assert text(connect["Resource"]).endswith(f":client/{thing}")
    assert connect["Condition"] == {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
    assert publish["Action"] == ["iot:Publish", "iot:RetainPublish"]
    assert [text(r).rpartition(":topic/")[2] for r in publish["Resource"]] == [
        f"measurements/{thing}",
        f"measurements/{thing}/*",
    ]


def test_names_are_those_that_aws_accepts(template: Template) -> None:
    (found,) = template.properties("AWS::IoT::TopicRule")
    assert re.fullmatch(r"[a-zA-Z0-9_]{1,128}", found["RuleName"])
    (policy,) = template.properties("AWS::IoT::Policy")
    assert re.fullmatch(r"[\w+=,.@-]{1,128}", policy["PolicyName"])


def test_use_cases_without_topics_get_nothing(synthesis: Synthesis) -> None:
    for stack in synthesis.templates:
        kinds = {r["Type"] for r in stack.content["Resources"].values()}
        assert not {k for k in kinds if k.startswith("AWS::IoT::")}, stack.name
        assert not stack.name.endswith("-mqtt")
