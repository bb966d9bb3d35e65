"""CloudFront on this machine: a distribution at a path, in front of a bucket and an API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sdpctl.settings import Settings
from tests.emulator.conftest import Client

DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
BUCKET = "files-of-a-page"
KEY = "a-key-of-at-least-twenty-characters"


@pytest.fixture(scope="module")
def label(client: Client) -> Iterator[str]:
    """A distribution whose bucket may be read, with an API that requires a key."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, content in (("index.html", b"<p>the page"), ("assets/a b.js", b"code")):
        kind = "text/html" if key.endswith("html") else "text/javascript"
        s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType=kind)
    stack = client("cloudformation")
    stack.create_stack(StackName="a-page", TemplateBody=json.dumps(_template()))
    stack.get_waiter("stack_create_complete").wait(
        StackName="a-page", WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    (found,) = stack.describe_stacks(StackName="a-page")["Stacks"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found["Outputs"]}
    yield outputs["Domain"].partition(".")[0]
    stack.delete_stack(StackName="a-page")


@pytest.fixture(scope="module")
def url(settings: Settings, label: str) -> str:
    """Its address on this machine."""
    return f"{settings.endpoint}/_cloudfront/{label}"


def _template() -> dict[str, Any]:
    echo = '{"statusCode": 200}'
    method = {
        "HttpMethod": "GET",
        "AuthorizationType": "NONE",
        "ApiKeyRequired": True,
        "RestApiId": {"Ref": "Api"},
        "ResourceId": {"Ref": "Data"},
        "Integration": {
            "Type": "MOCK",
            "RequestTemplates": {"application/json": echo},
            "IntegrationResponses": [
                {"StatusCode": "200", "ResponseTemplates": {"application/json": "[]"}}
            ],
        },
        "MethodResponses": [{"StatusCode": "200"}],
    }
    api = {"Fn::Sub": "${Api}.execute-api.us-east-1.amazonaws.com"}
    return {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "data"}},
            "Data": {
                "Type": "AWS::ApiGateway::Resource",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                    "PathPart": "data",
                },
            },
            "Method": {"Type": "AWS::ApiGateway::Method", "Properties": method},
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment",
                "DependsOn": "Method",
                "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "v1"},
            },
            "Key": {
                "Type": "AWS::ApiGateway::ApiKey",
                "Properties": {"Enabled": True, "Value": KEY},
            },
            "Plan": {
                "Type": "AWS::ApiGateway::UsagePlan",
                "DependsOn": "Deployment",
                "Properties": {"ApiStages": [{"ApiId": {"Ref": "Api"}, "Stage": "v1"}]},
            },
            "PlanKey": {
                "Type": "AWS::ApiGateway::UsagePlanKey",
                "Properties": {
                    "KeyId": {"Ref": "Key"},
                    "KeyType": "API_KEY",
                    "UsagePlanId": {"Ref": "Plan"},
                },
            },
            "Access": {
                "Type": "AWS::CloudFront::OriginAccessControl",
                "Properties": {
                    "OriginAccessControlConfig": {
                        "Name": "a-page",
                        "OriginAccessControlOriginType": "s3",
                        "SigningBehavior": "always",
                        "SigningProtocol": "sigv4",
                    }
                },
            },
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": BUCKET, "PolicyDocument": _policy()},
            },
            "Page": {
                "Type": "AWS::CloudFront::Distribution",
                "Properties": {"DistributionConfig": _distribution(api)},
            },
        },
        "Outputs": {"Domain": {"Value": {"Fn::GetAtt": ["Page", "DomainName"]}}},
    }


def _policy() -> dict[str, Any]:
    source = {"Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Page}"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{BUCKET}/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": source}},
            }
        ],
    }


def _distribution(api: dict[str, Any]) -> dict[str, Any]:
    return {
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Origins": [
            {
                "Id": "files",
                "DomainName": f"{BUCKET}.s3.us-east-1.amazonaws.com",
                "OriginAccessControlId": {"Fn::GetAtt": ["Access", "Id"]},
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            },
            {
                "Id": "api",
                "DomainName": api,
                "OriginPath": "/v1",
                "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
            },
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "files",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": OPTIMIZED,
        },
        "CacheBehaviors": [
            {
                "PathPattern": "/data*",
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only",
                "CachePolicyId": DISABLED,
                "OriginRequestPolicyId": ALL_BUT_HOST,
            }
        ],
    }


def test_a_distribution_answers_at_a_path_as_over_tls(url: str) -> None:
    assert httpx.get(f"{url}/").text == "<p>the page"
    assert httpx.get(f"{url}/assets/a%20b.js").text == "code"


def test_its_own_folder_is_where_the_pages_addresses_begin(url: str) -> None:
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        f"/{url.split('/', 3)[3]}/",
    )


def test_an_api_behind_a_distribution_gets_the_callers_key(url: str) -> None:
    assert httpx.get(f"{url}/data").status_code == 403
    answer = httpx.get(f"{url}/data?a=1", headers={"x-api-key": KEY})
    assert answer.status_code == 200, answer.text
    assert answer.json() == []


def test_an_unknown_distribution_and_an_unknown_file_are_no_pages(
    settings: Settings, url: str
) -> None:
    assert httpx.get(f"{settings.endpoint}/_cloudfront/unknown/").status_code >= 400
    assert httpx.get(f"{url}/none.js").status_code in (403, 404)


def test_a_method_that_no_path_allows_is_refused(url: str) -> None:
    assert httpx.post(f"{url}/", content=b"x").status_code == 403


def test_a_bucket_whose_policy_does_not_name_the_distribution_is_not_read(
    client: Client, url: str
) -> None:
    client("s3").delete_bucket_policy(Bucket=BUCKET)
    assert httpx.get(f"{url}/").status_code == 403
