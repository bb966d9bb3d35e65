"""The registry: versions count up, approvals change, a repeated request makes nothing new."""

import pytest
from botocore.exceptions import ClientError

from tests.sagemaker.conftest import Place


def _package(place: Place, token: str, **more: object) -> str:
    arn: str = place.client("sagemaker").create_model_package(
        ModelPackageGroupName="win", ClientToken=token, **more
    )["ModelPackageArn"]
    return arn


def test_versions_count_up_and_are_found_by_approval(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="win")
    first = _package(place, "a", CustomerMetadataProperties={"log_loss": "0.5"})
    second = _package(place, "b", ModelApprovalStatus="Rejected")
    sagemaker.update_model_package(
        ModelPackageArn=first,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"promoted": "yes"},
    )
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert described["CustomerMetadataProperties"] == {"log_loss": "0.5", "promoted": "yes"}
    assert described["ModelPackageVersion"] == 1
    found = sagemaker.list_model_packages(
        ModelPackageGroupName="win", ModelApprovalStatus="Approved"
    )
    assert [p["ModelPackageArn"] for p in found["ModelPackageSummaryList"]] == [first]
    assert second.endswith("model-package/win/2")


def test_a_repeated_request_is_answered_with_the_first_package(place: Place) -> None:
    place.client("sagemaker").create_model_package_group(ModelPackageGroupName="win")
    assert _package(place, "a") == _package(place, "a")


def test_unknown_groups_and_packages_are_refused(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    with pytest.raises(ClientError, match="does not exist"):
        _package(place, "a")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package(ModelPackageName="none")
    sagemaker.create_model_package_group(ModelPackageGroupName="win")
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName="win")


def test_the_registry_outlives_a_restart(place: Place) -> None:
    place.client("sagemaker").create_model_package_group(ModelPackageGroupName="win")
    arn = _package(place, "a", ModelApprovalStatus="Approved")
    place.stop()
    place.start()
    described = place.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Approved"


def test_a_call_that_is_not_done_here_says_so(place: Place) -> None:
    with pytest.raises(ClientError, match="UnknownOperation"):
        place.client("sagemaker").list_domains()
