"""A function behind API Gateway gets the path as it was sent."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.emulator.conftest import Client

SOURCE = """
import json

def handler(event, context):
    paths = [event["path"], event["requestContext"]["path"]]
    return {"statusCode": 200, "body": json.dumps(paths)}
"""


@pytest.fixture(scope="module")
def url(client: Client, settings: Settings) -> str:
    """A function that answers with the path, below the stage `v1`."""
    function = client("lambda").create_function(
        FunctionName="paths",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="index.handler",
        Code={"ZipFile": zipped(SOURCE)},
    )["FunctionArn"]
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="paths")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    proxy = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    names: dict[str, Any] = {"restApiId": api, "resourceId": proxy, "httpMethod": "ANY"}
    gateway.put_method(**names, authorizationType="NONE")
    invocations = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}"
    uri = f"{invocations}/invocations"
    gateway.put_integration(**names, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="v1")
    return f"{settings.endpoint}/restapis/{api}/v1/_user_request_"


@pytest.mark.parametrize("path", ["/a%2Fb", "/a/%C3%A4", "/a%2561", "/a%3Fb", "/a%20b/c", "/plain"])
def test_it_is_percent_encoded(url: str, path: str) -> None:
    """A REST API does not decode it; the emulator does."""
    assert httpx.get(f"{url}{path}?q=1", timeout=60).json() == [path, f"/v1{path}"]
