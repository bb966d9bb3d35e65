"""The page: private files behind one address, which is that of its APIs too."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.infrastructure.conftest import Template


@pytest.fixture(scope="module")
def stack(both: list[Template]) -> Template:
    """The page's stack, with every use case."""
    return next(t for t in both if t.name == "sdp-us-east-1-dashboard")


@pytest.fixture(scope="module")
def distribution(stack: Template) -> dict[str, Any]:
    """What its address serves."""
    (found,) = stack.properties("AWS::CloudFront::Distribution")
    config: dict[str, Any] = found["DistributionConfig"]
    return config


def test_nobody_but_the_distribution_reads_the_files(
    stack: Template, distribution: dict[str, Any]
) -> None:
    (bucket,) = stack.properties("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (policy,) = stack.properties("AWS::S3::BucketPolicy")
    (read,) = (s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow")
    assert read["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert read["Action"] == "s3:GetObject"
    assert "Distribution" in json.dumps(read["Condition"]["StringEquals"]["AWS:SourceArn"])
    (access,) = stack.properties("AWS::CloudFront::OriginAccessControl")
    assert access["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_a_path_of_an_api_is_sent_on_as_it_is_and_nothing_of_it_is_kept(
    stack: Template, distribution: dict[str, Any]
) -> None:
    sent_on = {b["PathPattern"]: b for b in distribution["CacheBehaviors"]}
    assert sent_on.keys() == {
        "/catalog",
        "/keys/*",
        "/dead-letters/*",
        "/series/*",
        "/metrics/*",
        "/models/*",
        "/actions/*",
        "/decisions/*",
        "/ledger/*",
        "/reports/*",
        "/definitions/*",
    }
    origins = {o["Id"]: o for o in distribution["Origins"]}
    for behavior in sent_on.values():
        origin = origins[behavior["TargetOriginId"]]
        assert origin["OriginPath"] == "/v1"
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
        assert behavior["ViewerProtocolPolicy"] == "https-only"
        # AWS's own policies: CachingDisabled, AllViewerExceptHostHeader
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    kept = {e["ErrorCode"]: e["ErrorCachingMinTTL"] for e in distribution["CustomErrorResponses"]}
    assert kept[404] == kept[503] == kept[403] == 0
    assert not any("ResponsePagePath" in e for e in distribution["CustomErrorResponses"])


def test_a_browser_runs_the_pages_own_code_only_and_asks_no_other_host(
    stack: Template, distribution: dict[str, Any]
) -> None:
    (policy,) = stack.properties("AWS::CloudFront::ResponseHeadersPolicy")
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    content = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "unsafe" not in content
    assert "default-src 'none'" in content
    assert re.findall(r"(?:https?:|\*)", content) == []
    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    behaviors = [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]
    assert all("ResponseHeadersPolicyId" in b for b in behaviors)


def test_its_own_api_needs_a_key_of_its_own_and_answers_no_other_site(stack: Template) -> None:
    """A sender's key does not open other senders' dead letters."""
    methods = stack.properties("AWS::ApiGateway::Method")
    assert [(m["HttpMethod"], m["ApiKeyRequired"]) for m in methods] == [("ANY", True)]
    (plan,) = (n for n in stack.all("AWS::ApiGateway::UsagePlan") if n != "SenderPlan")
    keys = stack.properties("AWS::ApiGateway::UsagePlanKey")
    (key,) = (k["KeyId"] for k in keys if k["UsagePlanId"] == {"Ref": plan})
    assert key == stack.outputs["DashboardKeyId"]["Value"]
    for response in stack.properties("AWS::ApiGateway::GatewayResponse"):
        assert "Allow-Origin" not in json.dumps(response)


def test_its_function_reads_only_the_tables_that_a_view_shows(stack: Template) -> None:
    content = json.dumps(stack.policies)
    shown = {
        "parquet_dead_letters": "dead letters",
        "parquet_aggregates": "keys of reports",
        "parquet_reaction_counts": "keys of reports",
        "parquet_impressions": "series",
        "parquet_measurements": "series",
        "parquet_power": "series",
        "parquet_decisions": "decisions",
        # where the record of a dead letter that was sent again is
        "parquet_activity": "events",
        "parquet_bcns": "events",
        "parquet_clicks": "results",
        "parquet_transactions": "results, for missing records",
    }
    assert set(re.findall(r"parquet_[a-z_]+", content)) == shown.keys()


def cdk_list(value: str | list[str]) -> list[str]:
    """What the CDK writes as a text if it is one."""
    return [value] if isinstance(value, str) else value


def test_dead_letters_are_sent_again_by_a_key_that_only_its_function_reads(
    stack: Template,
) -> None:
    """Another than the senders' and the page's, with a rate of its own; no setting has it."""
    (plan,) = (p for n, p in stack.all("AWS::ApiGateway::UsagePlan").items() if n == "SenderPlan")
    assert plan["Properties"]["Throttle"] == {"BurstLimit": 100, "RateLimit": 100}
    (api,) = plan["Properties"]["ApiStages"]
    assert "IngestApi" in json.dumps(api["ApiId"]) and api["Stage"] == "v1"
    (sender,) = (
        k["KeyId"]
        for k in stack.properties("AWS::ApiGateway::UsagePlanKey")
        if k["UsagePlanId"] == {"Fn::GetAtt": ["SenderPlan", "Id"]}
    )
    assert sender != stack.outputs["DashboardKeyId"]["Value"]
    assert sender not in [output["Value"] for output in stack.outputs.values()]
    readers = [
        resource
        for policy in stack.policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        if "apigateway:GET" in cdk_list(statement["Action"])
        for resource in [statement["Resource"]]
    ]
    (resource,) = readers
    assert resource["Fn::Join"][1][-1] == sender
    assert resource["Fn::Join"][1][-2].endswith("::/apikeys/")


def test_its_function_reads_tables_by_their_names_and_writes_replays_alone(
    stack: Template,
) -> None:
    statements = [
        statement
        for policy in stack.policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    (writing,) = (s for s in statements if "dynamodb:PutItem" in cdk_list(s["Action"]))
    assert "sdp-ledger" in json.dumps(writing["Resource"])
    ((condition, values),) = writing["Condition"].items()
    assert condition == "ForAllValues:StringEquals"
    assert all(key.endswith("#replay") for key in cdk_list(values["dynamodb:LeadingKeys"]))
    granted = [
        (action, json.dumps(statement["Resource"]))
        for statement in statements
        for action in cdk_list(statement["Action"])
        if action.startswith("dynamodb:")
    ]
    assert {a for a, _ in granted} == {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}
    queried = "".join(resource for action, resource in granted if action == "dynamodb:Query")
    for name in ("sdp-ledger", "sdp-shopping-dispatch/index/by-customer", "/index/by-day"):
        assert name in queried
    read = "".join(resource for action, resource in granted if action == "dynamodb:GetItem")
    assert "sdp-progress" in read


def test_the_publishing_function_writes_into_the_pages_bucket_and_reads_the_archive(
    stack: Template,
) -> None:
    (name,) = stack.all("AWS::S3::Bucket")
    (policy,) = (p for n, p in stack.all("AWS::IAM::Policy").items() if n.startswith("PagePublish"))
    granted = {
        json.dumps(statement["Action"]): json.dumps(statement["Resource"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    }
    writes = next(r for a, r in granted.items() if "s3:PutObject" in a)
    assert name in writes
    reads = next(r for a, r in granted.items() if "s3:GetObject" in a)
    assert ".zip" in reads and name not in reads


def test_the_address_and_the_key_are_outputs(stack: Template) -> None:
    assert {"UrlForDashboard", "DashboardKeyId"} <= stack.outputs.keys()
    assert stack.outputs["UrlForDashboard"]["Value"]["Fn::Join"][1][0] == "https://"
