"""Rules and policies are read from the control plane, and what is not understood is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sdpctl.local.mqtt.policies import Policy
from sdpctl.local.mqtt.rules import Message, UnsupportedRule, failure, matches, parse
from tests.unit.sdpctl.mqtt.brokers import DOCUMENT

MESSAGE = Message("measurements/m1/speed", b"\xff", "m1", 1_700_000_000_000)


def payload(**changed: Any) -> dict[str, Any]:
    """A rule as GetTopicRule describes it."""
    return {
        "sql": "SELECT encode(*, 'base64') AS payload, topic() AS topic, timestamp() AS at "
        "FROM 'measurements/+/#'",
        "actions": [
            {
                "kinesis": {
                    "roleArn": "arn:aws:iam::0:role/r",
                    "streamName": "raw",
                    "partitionKey": "${topic(2)}",
                }
            }
        ],
        "errorAction": {"lambda": {"functionArn": "arn:aws:lambda:r:0:function:f"}},
        **changed,
    }


def test_a_rule_selects_by_functions_of_the_message() -> None:
    key, data = parse("r", payload()).record(MESSAGE)
    assert key == "m1"
    assert json.loads(data) == {
        "payload": "/w==",
        "topic": "measurements/m1/speed",
        "at": 1_700_000_000_000,
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"sql": "SELECT result FROM 'a'"},
        {"sql": "SELECT result AS r FROM 'a'"},
        {"sql": "SELECT * FROM 'a'"},
        {"sql": "SELECT topic() AS t FROM 'a' WHERE result > 3"},
        {"actions": [{"sns": {}}]},
        {"errorAction": {"s3": {}}},
    ],
)
def test_a_rule_with_anything_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedRule, match="supported"):
        parse("r", payload(**changed))


def test_an_error_action_receives_what_aws_gives_it() -> None:
    content = failure(parse("r", payload()), MESSAGE, "trace", "throttled")
    assert content["base64OriginalPayload"] == "/w=="
    assert content["failures"][0]["errorMessage"] == "throttled"
    assert set(content) == {
        "ruleName",
        "topic",
        "cloudwatchTraceId",
        "clientId",
        "base64OriginalPayload",
        "failures",
    }


@pytest.mark.parametrize(
    ("topic", "is_matched"),
    [
        ("measurements/m1", True),
        ("measurements/m1/speed", True),
        ("measurements/m1/speed/x", True),
        ("measurements/", True),
        ("measurements", False),
        ("other/m1", False),
    ],
)
def test_filters_match_as_in_mqtt(topic: str, is_matched: bool) -> None:
    assert matches(topic, "measurements/+/#") is is_matched


def test_a_policy_allows_a_thing_its_own_name_and_topics() -> None:
    policy = Policy.parse(json.dumps(DOCUMENT))
    assert policy.allows("iot:Connect", "client", "m1", "m1")
    assert policy.allows("iot:Publish", "topic", "measurements/m1/speed", "m1")
    assert not policy.allows("iot:Publish", "topic", "measurements/m10", "m1")
    assert not policy.allows("iot:Connect", "client", "m2", "m1")
    assert not policy.allows("iot:Subscribe", "topicfilter", "measurements/m1", "m1")


def test_a_statement_that_is_not_evaluated_is_refused() -> None:
    denied = json.dumps({"Statement": [{**DOCUMENT["Statement"][0], "Effect": "Deny"}]})
    with pytest.raises(ValueError, match="not evaluated here"):
        Policy.parse(denied)
