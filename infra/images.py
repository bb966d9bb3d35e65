"""SageMaker's XGBoost framework container in each region: what jobs and endpoints run in.

Its tag says which xgboost it has: that of the requirements, with which everything is tested.
Source: "Docker Registry Paths" of the SageMaker documentation, one registry account a region.
"""

from __future__ import annotations

from typing import NamedTuple

from ml.launch import IMAGE

REPOSITORY = "sagemaker-xgboost"
ACCOUNTS = {
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-2": "246618743249",
    "eu-west-1": "141502667606",
    "eu-central-1": "492215442770",
}


class Image(NamedTuple):
    """A container image; `repository_arn` is None where it is not AWS's own registry."""

    uri: str
    repository_arn: str | None


def training_image(region: str, override: str) -> Image:
    """The region's image, or the one that the deployment names instead."""
    if override:
        return Image(override, None)
    account = ACCOUNTS[region]
    return Image(
        f"{account}.dkr.ecr.{region}.amazonaws.com/{REPOSITORY}:{IMAGE}",
        f"arn:aws:ecr:{region}:{account}:repository/{REPOSITORY}",
    )
