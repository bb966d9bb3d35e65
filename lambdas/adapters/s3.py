"""S3: the objects of one bucket."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GZIP = b"\x1f\x8b"


def client() -> S3Client:
    """A client that gives up soon enough for the next attempt to count."""
    config = Config(
        retries={"total_max_attempts": 4, "mode": "standard"}, connect_timeout=2, read_timeout=20
    )
    return boto3.client("s3", config=config)


class Bucket:
    """The objects port over one bucket."""

    def __init__(self, name: str, s3: S3Client | None = None) -> None:
        self._name = name
        self._client = s3 or client()

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders right below a prefix, by name, without the prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for found in page.get("CommonPrefixes", []):
                yield found["Prefix"].removeprefix(prefix)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys below a prefix, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=prefix
        )
        for page in pages:
            for found in page.get("Contents", []):
                yield found["Key"]

    def read(self, key: str) -> bytes | None:
        """The object's bytes, unpacked if it is compressed; None where there is none."""
        try:
            data = self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return gzip.decompress(data) if data.startswith(_GZIP) else data

    def write(self, key: str, data: bytes) -> None:
        """Create or replace an object."""
        self._client.put_object(Bucket=self._name, Key=key, Body=data)
