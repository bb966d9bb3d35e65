"""Alarms: what each stack watches, and that every alarm notifies the topic."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Rendered

import usecases
from infra.assets import Assets
from infra.settings import Settings
from infra.stacks.observability import ObservabilityStack
from infra.stage import add_stages
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
        "ReadThrottleEvents": 1,
        "WriteThrottleEvents": 1,
    },
    "processing": {"numRestarts": 2, "numberOfFailedCheckpoints": 1, "lastCheckpointDuration": 1},
    "reporting": {
        "Errors": 3,
        "Throttles": 3,
        "UnbalancedMinutes": 1,
        "5XXError": 1,
        "IteratorAge": 1,
        "DeadLetters": 1,
        "ApproximateNumberOfMessagesVisible": 1,
        "ReadThrottleEvents": 2,
        "WriteThrottleEvents": 2,
    },
    "dashboard": {"Errors": 1, "Throttles": 1, "5XXError": 1},
    "lake": {"Errors": 2, "Throttles": 2, "DeliveryToS3.DataFreshness": DELIVERIES},
}


def _alarms(template: Template) -> list[dict[str, Any]]:
    return template.properties("AWS::CloudWatch::Alarm")


def _metric(alarm: dict[str, Any]) -> str:
    """The one metric that an alarm watches, as it is or under an expression."""
    (metric,) = [m["MetricStat"]["Metric"] for m in _metrics(alarm)] or [alarm]
    return str(metric["MetricName"])


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    return [m for m in alarm.get("Metrics", []) if "MetricStat" in m]


@pytest.fixture
def observability(synthesis: Synthesis) -> Template:
    return synthesis.stack("sdp-us-west-2-observability")


@pytest.mark.parametrize("stack", WATCHED)
def test_each_stack_watches_what_can_go_wrong_in_it(synthesis: Synthesis, stack: str) -> None:
    found = Counter(_metric(a) for a in _alarms(synthesis.stack(f"sdp-us-west-2-{stack}")))
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
    reported = DOCS.read_text()
    for template in synthesis.templates:
        for alarm in _alarms(template):
            assert alarm["AlarmDescription"].endswith(".")
            assert f"`{_metric(alarm)}`" in reported


def test_there_are_as_many_as_the_docs_say(synthesis: Synthesis) -> None:
    stacks = [t for t in synthesis.templates if t.name.startswith("sdp-us-west-2-")]
    assert f"there are {sum(len(_alarms(s)) for s in stacks)}." in DOCS.read_text()


def test_a_counter_is_watched_by_how_much_it_rises(synthesis: Synthesis) -> None:
    """As it is, it would be an alarm from its first count to the next start of the job."""
    watched = _alarms(synthesis.stack("sdp-us-west-2-processing"))
    rising = {
        _metric(a): (a["DatapointsToAlarm"], a["EvaluationPeriods"], a["Threshold"])
        for a in watched
        if "Metrics" in a
    }
    assert rising == {"numRestarts": (3, 15, 0), "numberOfFailedCheckpoints": (3, 5, 0)}
    expressions = [
        m["Expression"] for a in watched for m in a.get("Metrics", []) if "Expression" in m
    ]
    assert expressions == ["DIFF(counter)"] * 2


def test_nothing_is_read_of_metrics_that_flink_is_about_to_remove(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        assert not {_metric(a) for a in _alarms(template)} & {"uptime", "downtime", "fullRestarts"}


def test_two_deployments_in_a_region_share_no_alarm_and_no_metric_of_their_own(
    assets: Assets,
) -> None:
    """Their prefixes differ, so must what an alarm is called and what it watches."""
    watched = [_watched(prefix, assets) for prefix in ("sdp", "trial")]
    assert all(watched)
    assert not watched[0] & watched[1]


def _watched(prefix: str, assets: Assets) -> set[str]:
    """Names of alarms, and metrics with their dimensions; what has a generated name is its own."""
    context = json.loads((DOCS.parents[1] / "cdk.json").read_text())["context"]
    app = cdk.App(context=context)
    settings = Settings.parse({**context, "prefix": prefix, "regions": "eu-west-1"})
    (stage,) = add_stages(app, catalog=usecases.load(("adtech",)), settings=settings, assets=assets)
    templates = [s.template for s in stage.synth().stacks]
    found = set()
    for resources in (t["Resources"] for t in templates):
        for alarm in (r for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"):
            given = alarm["Properties"]
            stats = [m["MetricStat"]["Metric"] for m in _metrics(given)] or [given]
            found |= {f"alarm {given['AlarmName']}" for _ in range("AlarmName" in given)}
            found |= {_identity(stat) for stat in stats}
        for function in (r for r in resources.values() if r["Type"] == "AWS::Lambda::Function"):
            variables = function["Properties"].get("Environment", {}).get("Variables", {})
            if "POWERTOOLS_METRICS_NAMESPACE" in variables:
                found.add(f"namespace {variables['POWERTOOLS_METRICS_NAMESPACE']}")
    return {text for text in found if "Ref" not in text and "GetAtt" not in text}


def _identity(metric: dict[str, Any]) -> str:
    return f"{metric['Namespace']} {metric['MetricName']} {json.dumps(metric.get('Dimensions'))}"


def test_a_silent_heartbeat_and_a_stopped_application_are_alarms_too(synthesis: Synthesis) -> None:
    stacks = [synthesis.stack(f"sdp-us-west-2-{name}") for name in ("ingestion", "processing")]
    found = [a for s in stacks for a in _alarms(s) if a["TreatMissingData"] == "breaching"]
    assert {_metric(a) for a in found} == {"Invocations", "numRestarts"}


def test_the_application_is_watched_once_it_was_started(synthesis: Synthesis) -> None:
    template = synthesis.stack("sdp-us-west-2-processing")
    (running,) = template.all("Custom::FlinkApplicationRunning")
    for alarm in template.all("AWS::CloudWatch::Alarm").values():
        assert running in alarm["DependsOn"]


def test_each_api_has_a_name_of_its_own_in_the_metrics(synthesis: Synthesis) -> None:
    names = ("ingestion", "reporting", "ml", "dashboard")
    stacks = [synthesis.stack(f"sdp-us-west-2-{n}") for n in names]
    named = [p["Name"] for s in stacks for p in s.properties("AWS::ApiGateway::RestApi")]
    faults = [a for s in stacks for a in _alarms(s) if _metric(a) == "5XXError"]
    assert named == ["sdp-ingestion", "sdp-reports", "sdp-predictions", "sdp-dashboard"]
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
        cdk.App(), "trial", topology=Topology("try", usecases.load(("adtech",))), settings=settings
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
