"""The API of the definitions: a function and a key of its own, bounded and watched."""

from __future__ import annotations

import json
import re

import pytest

from lambdas.definitions.ranges import QUERY_SECONDS, SECONDS
from tests.infrastructure.conftest import Template
from tests.infrastructure.grants import role_of


@pytest.fixture(scope="module")
def stack(both: list[Template]) -> Template:
    """The stack of the definitions."""
    return next(t for t in both if t.name == "sdp-us-east-1-definitions")


def test_it_has_a_key_of_its_own(stack: Template, both: list[Template]) -> None:
    """Who sends events cannot change rules."""
    (key,) = stack.all("AWS::ApiGateway::ApiKey")
    (plan_key,) = stack.properties("AWS::ApiGateway::UsagePlanKey")
    assert plan_key["KeyId"] == {"Ref": key}
    assert stack.outputs["DefinitionsKeyId"]["Value"] == {"Ref": key}
    others = [t for t in both if t is not stack and not t.name.endswith("-dashboard")]
    assert all(stack.name not in json.dumps(t.content.get("Resources")) for t in others)
    page = next(t for t in both if t.name == "sdp-us-east-1-dashboard")
    imported = re.findall(rf'"({stack.name}:[^"]+)"', json.dumps(page.content))
    assert imported  # the address alone: it sends on the key that its reader types
    assert not [name for name in imported if key in name]


def test_its_address_is_an_output(stack: Template) -> None:
    assert "execute-api" in json.dumps(stack.outputs["UrlForDefinitions"]["Value"])


def test_every_method_but_the_preflight_needs_the_key(stack: Template) -> None:
    methods = stack.properties("AWS::ApiGateway::Method")
    assert {m["HttpMethod"]: m.get("ApiKeyRequired", False) for m in methods} == {
        "ANY": True,
        "OPTIONS": False,
    }


def test_a_page_may_send_preconditions(stack: Template) -> None:
    preflight = next(
        m for m in stack.properties("AWS::ApiGateway::Method") if m["HttpMethod"] == "OPTIONS"
    )
    assert "if-match" in json.dumps(preflight)


def test_the_use_of_it_is_bounded(stack: Template) -> None:
    (plan,) = stack.properties("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"BurstLimit": 2000, "RateLimit": 1000}
    assert {r["ResponseType"] for r in stack.properties("AWS::ApiGateway::GatewayResponse")} >= {
        "THROTTLED",
        "INTEGRATION_FAILURE",
    }


def test_failures_throttling_and_5xx_raise_alarms(stack: Template) -> None:
    watched = [alarm["MetricName"] for alarm in stack.properties("AWS::CloudWatch::Alarm")]
    assert {"Errors", "Throttles", "5XXError"} <= set(watched)


def test_it_writes_the_tables_of_definitions_alone(stack: Template) -> None:
    tables = stack.all("AWS::DynamoDB::Table").items()
    names = {t["Properties"]["TableName"]: k for k, t in tables}
    own = {names[f"sdp-{name}-definitions"] for name in ("shopping", "machines")}
    statements = [
        statement
        for policy in stack.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "dynamodb" in json.dumps(statement["Action"])
    ]
    (statement,) = statements
    assert {resource["Fn::GetAtt"][0] for resource in statement["Resource"]} == own


def test_it_reads_what_business_events_were_decided_from_and_nothing_else(stack: Template) -> None:
    """Athena reads catalog and files with the permissions of its caller."""
    (function,) = stack.properties("AWS::Lambda::Function")
    role = role_of(stack, function)
    records = {"business_events", "decisions", "activity"}
    tables = {r.rpartition(":table/")[2] for r in role.on("glue:GetTable") if ":table/" in r}
    assert tables == {f"sdp_shopping/parquet_{record}" for record in records}
    objects = {r.partition("/")[2] for r in role.on("s3:GetObject")}
    assert objects == {f"shopping/*/{r}/*" for r in records} | {"athena/shopping/*"}
    assert {r.rpartition("/")[2] for r in role.on("athena:StartQueryExecution")} == {"sdp-shopping"}


def test_a_test_over_the_lake_ends_before_api_gateway_and_the_function_do(stack: Template) -> None:
    """API Gateway waits 29 seconds; the start of the function, which parses CEL, is among them."""
    (function,) = stack.properties("AWS::Lambda::Function")
    methods = stack.properties("AWS::ApiGateway::Method")
    limits = [m["Integration"].get("TimeoutInMillis", 29_000) for m in methods]
    assert set(limits) == {29_000}
    assert QUERY_SECONDS + 5 < SECONDS <= 29 - 7 < function["Timeout"]
