"""The stack of the definitions: there is one only where a use case declares some."""

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
    """The stacks of a deployment of both use cases, one of which has definitions, by name."""
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


def test_only_a_use_case_with_definitions_has_a_table(stack: Template) -> None:
    (table,) = stack.properties("AWS::DynamoDB::Table")
    assert table["TableName"] == "sdp-shopping-definitions"
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    assert types == {"pk": "S", "sk": "S"}


def test_without_definitions_there_is_no_stack(synthesis: Synthesis) -> None:
    assert all("definitions" not in template.name for template in synthesis.templates)


def test_the_table_can_be_restored_and_stays_when_the_stack_is_deleted(stack: Template) -> None:
    (table,) = stack.all("AWS::DynamoDB::Table").values()
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
    (statement,) = statements
    assert statement["Action"] == ["dynamodb:Query", "dynamodb:UpdateItem"]
    assert json.dumps(statement["Resource"]).endswith(':table/sdp-shopping-definitions"]]}')
    applications = processing.properties("AWS::KinesisAnalyticsV2::Application")
    named = [json.dumps(a) for a in applications if "definitions.shopping" in json.dumps(a)]
    assert len(applications) == 2 and len(named) == 1
    assert '"definitions.shopping": "sdp-shopping-definitions"' in named[0]
