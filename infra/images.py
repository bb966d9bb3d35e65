"""SageMaker's XGBoost framework container in each region: what jobs and endpoints run in.

Its tag says which xgboost it has: that of the requirements, with which everything is tested.
Source: "Docker Registry Paths" of the SageMaker documentation, one registry account a region.
"""

from __future__ import annotations

import re
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


# SageMaker pulls images of jobs and endpoints from private registries of Amazon ECR only.
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]*)(:[\w.-]{1,128}|@sha256:[0-9a-f]{64})"
)


class Image(NamedTuple):
    """A container image, and the repository from which it is pulled."""

    uri: str
    repository_arn: str

    @classmethod
    def parse(cls, uri: str) -> Image:
        """The image with that URI. Raises ValueError if SageMaker cannot pull it."""
        match = _ECR.fullmatch(uri)
        if not match:
            raise ValueError(
                "must be an image in Amazon ECR with a tag or digest, like "
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trainer:7, or empty"
            )
        repository = f"{match['region']}:{match['account']}:repository/{match['repository']}"
        return cls(uri, f"arn:aws:ecr:{repository}")


def training_image(region: str, override: str) -> Image:
    """The region's image, or the one that the deployment names instead."""
    own = f"{ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com/{REPOSITORY}:{IMAGE}"
    return Image.parse(override or own)
