"""Alarms: what each stack watches, and that somebody is told."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Rendered

import usecases
from infra.settings import Settings
from infra.stacks.observability import ObservabilityStack
from infra.topology import Topology
from tests.infrastructure.conftest import Synthesis, Template

DOCS = Path(__file__).parents[2] / "docs" / "alarms.md"
STREAMS, DELIVERIES = 7, 6
WATCHED: dict[str, dict[str, int]] = {
    "ingestion": {
        "Errors": 2,
        "Throttles": 2,
        "Invocations": 1,
        "5XXError": 1,
        "WriteProvisionedThroughputExceeded": STREAMS,
        "ReadProvisionedThroughputExceeded": 1,
        "GetRecords.IteratorAgeMilliseconds": STREAMS,
    },
    "processing": {"downtime": 1, "numberOfFailedCheckpoints": 1, "lastCheckpointDuration": 1},
    "reporting": {
        "Errors": 2,
        "Throttles": 2,
        "5XXError": 1,
        "IteratorAge": 1,
        "DeadLetters": 1,
        "ApproximateNumberOfMessagesVisible": 1,
        "ReadThrottleEvents": 2,
        "WriteThrottleEvents": 2,
    },
    "lake": {"Errors": 2, "Throttles": 2, "DeliveryToS3.DataFreshness": DELIVERIES},
}


def _alarms(template: Template) -> list[dict[str, Any]]:
    return template.properties("AWS::CloudWatch::Alarm")


@pytest.fixture
def observability(synthesis: Synthesis) -> Template:
    return synthesis.stack("sdp-us-west-2-observability")


@pytest.mark.parametrize("stack", WATCHED)
def test_each_stack_watches_what_can_go_wrong_in_it(synthesis: Synthesis, stack: str) -> None:
    found = Counter(a["MetricName"] for a in _alarms(synthesis.stack(f"sdp-us-west-2-{stack}")))
    assert found == WATCHED[stack]


def test_every_alarm_tells_the_topic_when_it_begins_and_when_it_is_over(
    synthesis: Synthesis,
) -> None:
    for template in synthesis.templates:
        for alarm in _alarms(template):
            (begins,), (over,) = alarm["AlarmActions"], alarm["OKActions"]
            assert begins == over
            assert "observability:ExportsOutputRefAlarms" in json.dumps(begins)


def test_every_alarm_says_what_it_means_here_and_in_the_docs(synthesis: Synthesis) -> None:
    told = DOCS.read_text()
    for template in synthesis.templates:
        for alarm in _alarms(template):
            assert alarm["AlarmDescription"].endswith(".")
            assert f"`{alarm['MetricName']}`" in told


def test_there_are_as_many_as_the_docs_say(synthesis: Synthesis) -> None:
    stacks = [t for t in synthesis.templates if t.name.startswith("sdp-us-west-2-")]
    assert f"there are {sum(len(_alarms(s)) for s in stacks)}." in DOCS.read_text()


def test_no_alarm_computes_its_metric_because_the_emulator_refuses_that(
    synthesis: Synthesis,
) -> None:
    assert not [a for t in synthesis.templates for a in _alarms(t) if "Metrics" in a]


def test_a_silent_heartbeat_and_a_stopped_application_are_alarms_too(synthesis: Synthesis) -> None:
    stacks = [synthesis.stack(f"sdp-us-west-2-{name}") for name in ("ingestion", "processing")]
    found = [a for s in stacks for a in _alarms(s) if a["TreatMissingData"] == "breaching"]
    assert {a["MetricName"] for a in found} == {"Invocations", "downtime"}


def test_the_application_is_watched_once_it_was_started(synthesis: Synthesis) -> None:
    template = synthesis.stack("sdp-us-west-2-processing")
    (running,) = template.all("Custom::FlinkApplicationRunning")
    for alarm in template.all("AWS::CloudWatch::Alarm").values():
        assert running in alarm["DependsOn"]


def test_each_api_has_a_name_of_its_own_in_the_metrics(synthesis: Synthesis) -> None:
    stacks = [synthesis.stack(f"sdp-us-west-2-{n}") for n in ("ingestion", "reporting", "ml")]
    named = [p["Name"] for s in stacks for p in s.properties("AWS::ApiGateway::RestApi")]
    faults = [a for s in stacks for a in _alarms(s) if a["MetricName"] == "5XXError"]
    assert named == ["sdp-ingestion", "sdp-reports", "sdp-predictions"]
    assert [d["Value"] for a in faults for d in a["Dimensions"]] == named


def test_the_topic_is_encrypted_and_takes_messages_from_alarms_of_this_account_over_tls(
    observability: Template,
) -> None:
    (topic,) = observability.properties("AWS::SNS::Topic")
    assert topic["TopicName"] == "sdp-alarms"
    assert "KmsMasterKeyId" in topic
    (policy,) = observability.properties("AWS::SNS::TopicPolicy")
    refused, allowed = policy["PolicyDocument"]["Statement"]
    assert (refused["Effect"], refused["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    account = {"Ref": "AWS::AccountId"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}
    (key,) = observability.properties("AWS::KMS::Key")
    assert "cloudwatch.amazonaws.com" in json.dumps(key["KeyPolicy"])
    assert observability.outputs["AlarmTopic"]["Value"] == {
        "Fn::GetAtt": [next(iter(observability.all("AWS::SNS::Topic"))), "TopicName"]
    }


def test_an_address_is_told_only_where_one_is_given(observability: Template) -> None:
    assert not observability.all("AWS::SNS::Subscription")
    settings = Settings.parse({"alarmEmail": "ops@example.org"})
    stack = ObservabilityStack(
        cdk.App(), "trial", topology=Topology("try", usecases.load()), settings=settings
    )
    Rendered.from_stack(stack).has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "ops@example.org"}
    )


def test_every_function_and_every_api_is_traced(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        functions = template.properties("AWS::Lambda::Function")
        for function in (f for f in functions if str(f["Handler"]).startswith("lambdas.")):
            assert function["TracingConfig"] == {"Mode": "Active"}
        for stage in template.properties("AWS::ApiGateway::Stage"):
            assert stage["TracingEnabled"] is True
