"""The dispatch of actions: what is created for each destination, and what is refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from glue.errors import CatalogError, ParameterError
from infra.assets import Assets
from infra.settings import Settings
from tests.infrastructure.conftest import Synthesis, Template
from tests.infrastructure.dispatching import CATALOG, EVERYWHERE, context, synthesize
from tests.infrastructure.grants import role_of

DOCS = Path(__file__).parents[2] / "docs" / "alarms.md"


@pytest.fixture(scope="module")
def template(dispatching: Synthesis) -> Template:
    """The stack with every destination."""
    return dispatching.stack("sdp-us-east-1-actions")


@pytest.fixture(scope="module")
def nowhere(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack without any destination."""
    return synthesize(assets, tmp_path_factory.mktemp("none")).stack("sdp-us-east-1-actions")


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The functions by the module of their handler."""
    found = template.properties("AWS::Lambda::Function")
    return {str(f["Handler"]).split(".")[2]: f for f in found}


def test_the_checks_find_nothing(dispatching: Synthesis) -> None:
    assert dispatching.checks["violations"] == []


def test_each_destination_has_a_queue_and_a_function_of_its_own(template: Template) -> None:
    assert set(functions(template)) == {"handler", "webhook", "bus", "topic"}
    named = [q["QueueName"] for q in template.properties("AWS::SQS::Queue") if "QueueName" in q]
    assert sorted(named) == [f"sdp-gates-dispatch-{n}" for n in ("bus", "topic", "webhook")]


def test_without_destinations_actions_are_decided_and_nothing_else_is_there(
    nowhere: Template,
) -> None:
    assert set(functions(nowhere)) == {"handler"}
    assert not nowhere.all("AWS::SecretsManager::Secret")


def test_a_message_is_hidden_for_six_times_the_time_of_its_function(template: Template) -> None:
    """As Lambda's guide asks for; else a message is delivered while it is worked on."""
    for name, function in functions(template).items():
        assert function["Timeout"] == 60, name
    for queue in template.properties("AWS::SQS::Queue"):
        if "QueueName" in queue:
            assert queue["VisibilityTimeout"] == 360
            assert queue["MessageRetentionPeriod"] == 14 * 86_400
            assert queue["RedrivePolicy"]["maxReceiveCount"] == 20
            assert queue["SqsManagedSseEnabled"] is True


def test_failed_records_and_messages_alone_are_delivered_again(template: Template) -> None:
    sources = template.properties("AWS::Lambda::EventSourceMapping")
    assert len(sources) == 4
    for source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    streams = [s for s in sources if "StartingPosition" in s]
    assert [(s["BisectBatchOnFunctionError"], s["MaximumRetryAttempts"]) for s in streams] == [
        (True, -1)
    ]
    assert [s["ScalingConfig"] for s in sources if s not in streams] == [
        {"MaximumConcurrency": 10}
    ] * 3


def test_each_destination_may_be_reached_by_its_own_function_alone(template: Template) -> None:
    found = functions(template)
    actions = {
        "webhook": "secretsmanager:GetSecretValue",
        "bus": "events:PutEvents",
        "topic": "sns:Publish",
    }
    for name, function in found.items():
        for own, action in actions.items():
            resources = role_of(template, function).on(action)
            assert len(resources) == (own == name), (name, action)
    (bus,) = role_of(template, found["bus"]).on("events:PutEvents")
    assert bus.endswith(":event-bus/partners")
    (topic,) = role_of(template, found["topic"]).on("sns:Publish")
    assert topic.endswith(":greetings")


def test_items_expire_and_are_found_by_customer_and_by_day(template: Template) -> None:
    (table,) = template.properties("AWS::DynamoDB::Table")
    assert table["TableName"] == "sdp-gates-dispatch"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert [i["IndexName"] for i in table["GlobalSecondaryIndexes"]] == ["by-customer", "by-day"]


def test_the_signing_key_is_made_at_deployment(template: Template) -> None:
    (secret,) = template.properties("AWS::SecretsManager::Secret")
    assert secret["Name"] == "sdp-gates-dispatch-webhook"
    made = secret["GenerateSecretString"]
    assert (made["GenerateStringKey"], made["PasswordLength"]) == ("current", 32)


def test_what_can_go_wrong_raises_an_alarm_that_the_docs_describe(template: Template) -> None:
    alarms = template.properties("AWS::CloudWatch::Alarm")
    assert Counter(a["MetricName"] for a in alarms) == {
        "Errors": 4,
        "Throttles": 4,
        "ActionsDead": 3,
        "IteratorAge": 1,
        "ApproximateNumberOfMessagesVisible": 2,
        "ReadThrottleEvents": 1,
        "WriteThrottleEvents": 1,
    }
    described = DOCS.read_text()
    for alarm in alarms:
        assert f"`{alarm['MetricName']}`" in described
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert alarm["AlarmDescription"].endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/in",
        "https://127.0.0.1/in",
        "https://10.0.0.1/in",
        "https://169.254.169.254/latest",
        "https://localhost/in",
    ],
)
def test_a_webhook_in_a_private_network_is_refused_unless_it_is_allowed(url: str) -> None:
    with pytest.raises(ParameterError, match=f"^ActionWebhook={re.escape(url)}: must be https"):
        Settings.parse(context(ActionWebhook=url), CATALOG)
    Settings.parse(context(ActionWebhook=url, webhookAddresses="any"), CATALOG)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ActionWebhook", "ftp://example.org"),
        ("ActionWebhook", "https://user@example.org"),
        ("ActionWebhook", "https://example.org/a b"),
        ("ActionBus", "a bus"),
        ("ActionTopic", "arn:aws:sns:us-east-1:123456789012:topic"),
        ("ActionCap", "101"),
        ("gates.QuietHours", "22:00"),
        ("ActionTimeZone", "Mars/Base"),
        ("webhookAddresses", "private"),
        ("actionConcurrency", "1"),
    ],
)
def test_a_value_of_another_form_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name.removeprefix('gates.')}"):
        Settings.parse(context(**{name: value}), CATALOG)


def test_without_actions_there_is_no_such_parameter() -> None:
    Settings.parse(context(**{"shopping.ActionCap": "1", "useCases": "shopping"}))
    with pytest.raises(ParameterError, match=r"adtech\.ActionCap: "):
        Settings.parse(context(**{"adtech.ActionCap": "1", "useCases": "adtech"}))


def test_actions_are_a_record_of_the_use_case_with_the_fields_that_dispatch_needs() -> None:
    from dataclasses import replace

    from glue import Actions
    from tests.infrastructure.dispatching import GATES, Pass

    with pytest.raises(CatalogError, match=r"gates: actions 'Pass' is not one of its records"):
        replace(GATES, actions=Actions(Pass))


def test_the_functions_know_their_destination(template: Template) -> None:
    for name, function in functions(template).items():
        variables = function["Environment"]["Variables"]
        assert "gates" in str(variables["SDP_ACTIONS"]), name
    assert EVERYWHERE["ActionWebhook"] in str(
        functions(template)["webhook"]["Environment"]["Variables"]["SDP_PARAMETERS"]
    )
