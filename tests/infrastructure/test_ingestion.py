"""The API in front of ingestion and reports, and the heartbeat."""

import json

import pytest

from tests.infrastructure.conftest import Synthesis, Template

_QUOTED = '"a \\"quoted\\" word"'
APIS = ("ingestion", "reporting")


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest, synthesis: Synthesis) -> Template:
    return synthesis.stack(f"sdp-us-east-1-{request.param}")


def test_every_method_wants_the_key_but_the_preflight(api: Template) -> None:
    methods = api.properties("AWS::ApiGateway::Method")
    assert {m["HttpMethod"] for m in methods} == {"ANY", "OPTIONS"}
    for method in methods:
        assert method.get("ApiKeyRequired", False) is (method["HttpMethod"] != "OPTIONS")


def test_the_preflight_answers_although_every_body_is_binary(api: Template) -> None:
    assert api.properties("AWS::ApiGateway::RestApi")[0]["BinaryMediaTypes"] == ["*/*"]
    for method in api.properties("AWS::ApiGateway::Method"):
        if method["HttpMethod"] == "OPTIONS":
            assert method["Integration"]["ContentHandling"] == "CONVERT_TO_TEXT"


def test_the_stage_is_throttled_traced_and_logged(api: Template) -> None:
    (stage,) = api.properties("AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True
    assert "DestinationArn" in stage["AccessLogSetting"]
    (settings,) = stage["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (1000, 2000)


def test_the_access_log_is_json_whatever_the_error_message_says(api: Template) -> None:
    (stage,) = api.properties("AWS::ApiGateway::Stage")
    form = stage["AccessLogSetting"]["Format"]
    line = json.loads(form.replace("$context.error.messageString", _QUOTED))
    assert line["error"] == json.loads(_QUOTED)
    assert line["apiKeyId"] == "$context.identity.apiKeyId", "senders cannot be distinguished"
    assert '$context.identity.apiKey"' not in form, "a key would be in the log"


def test_the_usage_plan_holds_the_one_key(api: Template) -> None:
    (plan,) = api.properties("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"BurstLimit": 2000, "RateLimit": 1000}
    (key,) = api.properties("AWS::ApiGateway::UsagePlanKey")
    assert "ApiKey" in json.dumps(key["KeyId"])


def test_there_is_one_key(synthesis: Synthesis) -> None:
    stacks = [synthesis.stack(f"sdp-us-east-1-{name}") for name in APIS]
    assert [len(stack.all("AWS::ApiGateway::ApiKey")) for stack in stacks] == [1, 0]


def test_errors_of_the_gateway_are_problem_documents(api: Template) -> None:
    for response in api.properties("AWS::ApiGateway::GatewayResponse"):
        template = response["ResponseTemplates"]["application/json"]
        # It is a JSON string with its quotes; `$context.error.message` would be its bare text.
        assert "$context.error.message" not in template.replace("$context.error.messageString", "")
        problem = json.loads(template.replace("$context.error.messageString", _QUOTED))
        assert {"type", "title"} <= problem.keys()
        parameters = response["ResponseParameters"]
        kind = parameters["gatewayresponse.header.Content-Type"]
        assert kind == "'application/problem+json'"
        if response.get("StatusCode") in ("429", "503"):
            assert "gatewayresponse.header.Retry-After" in parameters


def test_the_heartbeat_beats_each_minute(synthesis: Synthesis) -> None:
    template = synthesis.stack("sdp-us-east-1-ingestion")
    (rule,) = template.properties("AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    target = rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
    function = template.content["Resources"][target]["Properties"]
    assert function["Handler"] == "lambdas.heartbeat.handler.handler"


def test_each_function_is_given_only_what_it_needs(synthesis: Synthesis) -> None:
    found = {}
    for name in APIS:
        for function in synthesis.stack(f"sdp-us-east-1-{name}").properties(
            "AWS::Lambda::Function"
        ):
            variables = function["Environment"]["Variables"]
            own = {v for v in variables if v[:4] == "SDP_"} - {"SDP_USE_CASES"}
            found[function["Handler"].split(".")[1]] = own
    assert found == {
        "audit": {"SDP_AUDITED", "SDP_LEDGER_TABLE", "SDP_PROGRESS_TABLE", "SDP_PARAMETERS"},
        "ingest": {"SDP_STREAMS", "SDP_PARAMETERS", "SDP_LEDGER_TABLE"},
        "heartbeat": {"SDP_STREAMS"},
        "persist": {"SDP_STREAMS", "SDP_TABLES", "SDP_PROGRESS_TABLE", "SDP_LEDGER_TABLE"},
        "reports": {"SDP_TABLES", "SDP_PROGRESS_TABLE", "SDP_PARAMETERS"},
    }
