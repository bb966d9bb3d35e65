"""Lambda's sizes, which the emulator itself does not hold anybody to."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from glue.limits import BODY_BYTES
from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.emulator.conftest import Client

MIB = 1024 * 1024
ROLE = "arn:aws:iam::000000000000:role/function"
SOURCE = """
import json

def handler(event, context):
    if "answer" in event:
        return "x" * event["answer"]
    return {"statusCode": 200, "body": json.dumps({"characters": len(event["body"])})}
"""


@pytest.fixture(scope="module")
def function(client: Client) -> str:
    """A function that tells how long the body was, or answers as long as it should."""
    created = client("lambda").create_function(
        FunctionName="sizes",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(SOURCE)},
    )
    return str(created["FunctionArn"])


@pytest.fixture(scope="module")
def url(function: str, client: Client, settings: Settings) -> str:
    """An API in front of it that hands bodies over in base64, as the platform's do."""
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="sizes", binaryMediaTypes=["*/*"])["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    names = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(**names, authorizationType="NONE")
    invocations = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}"
    gateway.put_integration(
        **names,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"{invocations}/invocations",
    )
    gateway.put_gateway_response(
        restApiId=api,
        responseType="REQUEST_TOO_LARGE",
        statusCode="413",
        responseTemplates={"application/json": '{"title":"too large"}'},
    )
    gateway.create_deployment(restApiId=api, stageName="v1")
    return f"{settings.endpoint}/restapis/{api}/v1/_user_request_/"


def test_the_largest_body_that_the_platform_takes_arrives(url: str) -> None:
    headers = {"x-long": "h" * 8_000, "content-type": "application/json"}
    answer = httpx.post(url, content=b"\xff" * BODY_BYTES, headers=headers, timeout=60)
    assert answer.json() == {"characters": BODY_BYTES * 4 // 3}


def test_a_body_beyond_six_mebibytes_in_base64_is_the_stages_413(url: str) -> None:
    answer = httpx.post(url, content=b"\xff" * (6 * MIB * 3 // 4), timeout=60)
    assert (answer.status_code, answer.json()) == (413, {"title": "too large"})


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * MIB), ("Event", MIB)])
def test_an_invocation_beyond_its_limit_is_refused(
    function: str, client: Client, kind: Any, limit: int
) -> None:
    functions = client("lambda")
    frame = len(json.dumps({"body": ""}))
    for spare in (0, 1):
        payload = json.dumps({"body": "x" * (limit - frame + spare)}).encode()
        if not spare:
            functions.invoke(FunctionName=function, InvocationType=kind, Payload=payload)
            continue
        with pytest.raises(ClientError, match="RequestTooLargeException") as error:
            functions.invoke(FunctionName=function, InvocationType=kind, Payload=payload)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_answer_beyond_six_mebibytes_is_an_error_of_the_function(
    function: str, client: Client
) -> None:
    payload = json.dumps({"answer": 6 * MIB + 1}).encode()
    answer = client("lambda").invoke(FunctionName=function, Payload=payload)
    assert "FunctionError" in answer
    assert json.loads(answer["Payload"].read())["errorType"] == "Function.ResponseSizeTooLarge"
