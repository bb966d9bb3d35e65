"""Versions of models, from SageMaker's registry and the models' bucket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.adapters.objects import BucketObjects
from lambdas.adapters.registry import StoredModels
from lambdas.ports.model_registry import RegistryUnavailable, VersionPage

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/sdp-adtech/3"
AT = datetime(2026, 3, 1, tzinfo=UTC)
LIST = {
    "ModelPackageGroupName": "sdp-adtech",
    "SortBy": "CreationTime",
    "SortOrder": "Descending",
    "MaxResults": 20,
}


def package(**more: Any) -> dict[str, Any]:
    """A package with what SageMaker's model requires of one."""
    required = {
        "ModelPackageArn": ARN,
        "CreationTime": AT,
        "ModelPackageStatus": "Completed",
    }
    return {**required, **more}


def models(registry: Any) -> StoredModels:
    """The models of a bucket that the test may create."""
    return StoredModels("the-models", registry, BucketObjects(boto3.client("s3"), "the-models"))


def test_a_page_is_described_and_says_where_the_next_one_begins(aws: None) -> None:
    registry = boto3.client("sagemaker")
    described = package(ModelPackageName="sdp-adtech", ModelPackageStatusDetails=_details())
    with Stubber(registry) as stub:
        summaries = {"ModelPackageSummaryList": [package()], "NextToken": "more"}
        stub.add_response("list_model_packages", summaries, {**LIST, "NextToken": "begin"})
        stub.add_response("describe_model_package", described, {"ModelPackageName": ARN})
        assert models(registry).page("sdp-adtech", 20, "begin") == VersionPage([described], "more")


def _details() -> dict[str, Any]:
    return {"ValidationStatuses": []}


def test_without_a_group_there_is_no_version(aws: None) -> None:
    registry = boto3.client("sagemaker")
    with Stubber(registry) as stub:
        text = "Model Package Group sdp-adtech does not exist."
        stub.add_client_error("list_model_packages", "ValidationException", text)
        assert models(registry).page("sdp-adtech", 20, None) == VersionPage([], None)


def test_a_registry_that_does_not_answer_is_unavailable(aws: None) -> None:
    registry = boto3.client("sagemaker")
    with Stubber(registry) as stub, pytest.raises(RegistryUnavailable, match="sdp-adtech"):
        stub.add_client_error("list_model_packages", "ThrottlingException")
        models(registry).page("sdp-adtech", 20, None)


def test_a_document_is_read_and_may_be_absent(aws: None) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="the-models")
    s3.put_object(Bucket="the-models", Key="models/adtech/champion.json", Body=b'{"version": "v1"}')
    found = models(boto3.client("sagemaker"))
    assert found.document("models/adtech/champion.json") == {"version": "v1"}
    assert found.document("models/adtech/none.json") is None


def test_a_bucket_that_cannot_be_read_is_unavailable(aws: None) -> None:
    with pytest.raises(RegistryUnavailable):
        models(boto3.client("sagemaker")).document("models/adtech/champion.json")
