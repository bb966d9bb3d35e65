"""What bounds the use of an API: requests a second, and executions at once of its function."""

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

APIS = {"ingestion": "ingest", "reporting": "reports", "ml": "predict"}
RESERVED = "ReservedConcurrentExecutions"


@pytest.fixture(scope="module")
def reserving(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The stacks of one region, with executions reserved for each API, by purpose."""
    out = tmp_path_factory.mktemp("reserving")
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    context |= {
        "regions": "us-east-1",
        "ingestConcurrency": "300",
        "reportsConcurrency": "40",
        "predictionsConcurrency": "5",
    }
    app = cdk.App(outdir=str(out), context=context)
    add_stages(
        app, catalog=usecases.load(("adtech",)), settings=Settings.parse(context), assets=assets
    )
    app.synth()
    return {t.name.removeprefix("sdp-us-east-1-"): t for t in templates(out)}


def test_no_executions_are_reserved_where_the_quota_may_be_that_of_a_new_account(
    synthesis: Synthesis,
) -> None:
    for template in synthesis.templates:
        for function in template.properties("AWS::Lambda::Function"):
            assert RESERVED not in function


def test_executions_are_reserved_for_the_functions_of_the_apis_alone(
    reserving: dict[str, Template],
) -> None:
    reserved = {
        function["Handler"].split(".")[1]: function[RESERVED]
        for template in reserving.values()
        for function in template.properties("AWS::Lambda::Function")
        if RESERVED in function
    }
    assert reserved == {"ingest": 300, "reports": 40, "predict": 5}


@pytest.mark.parametrize("purpose", APIS)
def test_each_stage_and_each_key_has_a_rate(synthesis: Synthesis, purpose: str) -> None:
    api = synthesis.stack(f"sdp-us-east-1-{purpose}")
    (plan,) = api.properties("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"BurstLimit": 2000, "RateLimit": 1000}
    (stage,) = api.properties("AWS::ApiGateway::Stage")
    (settings,) = stage["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (1000, 2000)


@pytest.mark.parametrize("purpose", APIS)
@pytest.mark.parametrize("kind", ["THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE"])
def test_what_is_refused_for_its_number_is_429_and_says_when_to_send_again(
    synthesis: Synthesis, purpose: str, kind: str
) -> None:
    response = _response(synthesis.stack(f"sdp-us-east-1-{purpose}"), kind)
    assert response["StatusCode"] == "429"
    assert json.loads(response["ResponseTemplates"]["application/json"])["status"] == 429
    _check_headers(response)


@pytest.mark.parametrize("purpose", APIS)
@pytest.mark.parametrize("kind", ["INTEGRATION_TIMEOUT", "DEFAULT_5XX"])
def test_what_the_service_cannot_answer_says_when_to_send_again(
    synthesis: Synthesis, purpose: str, kind: str
) -> None:
    _check_headers(_response(synthesis.stack(f"sdp-us-east-1-{purpose}"), kind))


def _response(api: Template, kind: str) -> dict[str, dict[str, str]]:
    responses = api.properties("AWS::ApiGateway::GatewayResponse")
    return next(r for r in responses if r["ResponseType"] == kind)


def _check_headers(response: dict[str, dict[str, str]]) -> None:
    """A page of another origin can read it, and when to send again."""
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in response["ResponseParameters"].items()
    }
    assert int(headers["Retry-After"]) > 0
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"].lower() == "retry-after"
