"""The stack of the definitions: there is one where a use case declares some, or a model."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest

import usecases
from infra.assets import Assets
from infra.settings import Settings
from infra.stage import add_stages
from tests.infrastructure.conftest import Synthesis, Template, templates

NAME = "sdp-us-east-1-definitions"


@pytest.fixture(scope="module")
def deployed(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The stacks of ad tech, which has a model, and shopping, which has definitions, by name."""
    out = tmp_path_factory.mktemp("definitions")
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    context |= {"regions": "us-east-1", "useCases": "adtech,shopping"}
    app = cdk.App(outdir=str(out), context=context)
    add_stages(app, catalog=usecases.load(), settings=Settings.parse(context), assets=assets)
    app.synth()
    return {template.name: template for template in templates(out)}


@pytest.fixture
def stack(deployed: dict[str, Template]) -> Template:
    """The stack of definitions."""
    return deployed[NAME]


def test_a_use_case_with_definitions_or_a_model_has_a_table(stack: Template) -> None:
    tables = stack.properties("AWS::DynamoDB::Table")
    names = {table["TableName"] for table in tables}
    assert names == {f"sdp-{name}-definitions" for name in ("adtech", "machines", "shopping")}
    for table in tables:
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
        types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
        assert types == {"pk": "S", "sk": "S"}


def test_where_models_alone_have_versions_there_is_no_api(synthesis: Synthesis) -> None:
    stacks = [t for t in synthesis.templates if t.name.endswith("-definitions")]
    assert stacks
    for stack in stacks:
        (table,) = stack.properties("AWS::DynamoDB::Table")
        assert table["TableName"] == "sdp-adtech-definitions"
        assert not stack.all("AWS::ApiGateway::RestApi") and not stack.all("AWS::Lambda::Function")


def test_the_table_can_be_restored_and_stays_when_the_stack_is_deleted(stack: Template) -> None:
    for table in stack.all("AWS::DynamoDB::Table").values():
        recovery = table["Properties"]["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == (
            "RetainExceptOnCreate",
            "Retain",
        )


def test_throttled_requests_to_the_table_raise_an_alarm(stack: Template) -> None:
    watched = {alarm["MetricName"] for alarm in stack.properties("AWS::CloudWatch::Alarm")}
    assert {"ReadThrottleEvents", "WriteThrottleEvents"} <= watched


def test_only_the_job_of_the_use_case_reads_the_table_and_moves_its_frontier(
    deployed: dict[str, Template],
) -> None:
    processing = deployed["sdp-us-east-1-processing"]
    statements = [
        statement
        for policy in processing.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "dynamodb" in json.dumps(statement["Action"])
    ]
    assert [s["Action"] for s in statements] == [["dynamodb:Query", "dynamodb:UpdateItem"]] * 2
    ends = {json.dumps(s["Resource"]).rpartition(":table/")[2] for s in statements}
    assert ends == {'sdp-adtech-definitions"]]}', 'sdp-shopping-definitions"]]}'}
    applications = processing.properties("AWS::KinesisAnalyticsV2::Application")
    for name in ("adtech", "shopping"):
        (own,) = [json.dumps(a) for a in applications if f"definitions.{name}" in json.dumps(a)]
        assert f'"definitions.{name}": "sdp-{name}-definitions"' in own
