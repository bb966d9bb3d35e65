"""The stand-in refuses what SageMaker refuses, whoever sends it, in the service's own words."""

import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from sdpctl.local.service_models import RefusedRequest
from tests.sagemaker.conftest import Place

PACKAGE = {"ModelPackageGroupName": "win", "ModelPackageDescription": "v1"}


def _refusal(place: Place, call: str, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        getattr(place.any_client("sagemaker"), call)(**request)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


def test_a_pattern_is_named_with_the_value(place: Place) -> None:
    message = _refusal(place, "create_training_job", **place.job("under_score"))
    assert message == (
        "1 validation error detected: Value 'under_score' at 'trainingJobName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


def test_a_value_of_a_map_is_refused_with_its_map(place: Place) -> None:
    reason = {"reason": "3.2% better (on 10 rows)"}
    message = _refusal(place, "create_model_package", **PACKAGE, CustomerMetadataProperties=reason)
    assert "at 'customerMetadataProperties'" in message
    assert "Map value must satisfy constraint: [Member must satisfy regular" in message


def test_all_violations_are_named_at_once(place: Place) -> None:
    message = _refusal(
        place, "create_model_package", **PACKAGE, ClientToken="t" * 37, ModelApprovalStatus="Good"
    )
    assert message.startswith("2 validation errors detected: ")
    assert "'clientToken' failed to satisfy constraint: Member must have length less" in message
    assert "enum value set: [Approved, Rejected, PendingManualApproval]" in message


def test_a_number_out_of_range_is_refused_where_it_is(place: Place) -> None:
    variant = {
        "VariantName": "primary",
        "ModelName": "m",
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 201},
    }
    message = _refusal(
        place, "create_endpoint_config", EndpointConfigName="c", ProductionVariants=[variant]
    )
    assert "Value '201' at 'productionVariants.1.member.serverlessConfig.maxConcurrency'" in message


def _post(place: Place, operation: str, body: str) -> Any:
    url = f"http://127.0.0.1:{place.server.server_address[1]}/"
    return httpx.post(url, content=body, headers={"x-amz-target": f"SageMaker.{operation}"}).json()


def test_a_missing_member_and_a_wrong_type_are_refused(place: Place) -> None:
    answer = _post(place, "CreateModelPackageGroup", json.dumps({}))
    assert answer["__type"] == "ValidationException"
    assert "Value null at 'modelPackageGroupName'" in answer["message"]
    assert (
        "must be of type string"
        in _post(place, "DescribeEndpoint", json.dumps({"EndpointName": 7}))["message"]
    )
    assert _post(place, "DescribeEndpoint", "not JSON")["__type"] == "SerializationException"


def test_an_invocation_is_held_to_the_runtimes_limit_of_a_body(place: Place) -> None:
    with pytest.raises(ClientError, match="ValidationError") as refused:
        place.any_client("sagemaker-runtime").invoke_endpoint(
            EndpointName="e", Body=b"x" * (6_291_456 + 1)
        )
    assert "'body'" in str(refused.value)


def test_every_other_client_of_the_tests_refuses_before_it_sends(place: Place) -> None:
    with pytest.raises(RefusedRequest, match="sagemaker CreateModelPackage: 1 validation error"):
        place.client("sagemaker").create_model_package(**PACKAGE, ClientToken="t" * 37)
