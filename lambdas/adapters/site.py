"""The page's archive and bucket in S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3

from glue.errors import PlatformError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PER_DELETE = 1_000


class SiteError(PlatformError):
    """Objects could not be removed."""


class S3Site:
    """Both ports, `Archives` and `Site`."""

    def __init__(self, client: S3Client | None = None) -> None:
        self._client = client or boto3.client("s3")

    def read(self, bucket: str, key: str) -> bytes:
        """The archive."""
        return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket: str) -> Iterator[str]:
        """The keys of all objects."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", ()))

    def put(self, bucket: str, key: str, content: bytes, kind: str, cache: str) -> None:
        """Store an object with its media type and its Cache-Control."""
        self._client.put_object(
            Bucket=bucket, Key=key, Body=content, ContentType=kind, CacheControl=cache
        )

    def delete(self, bucket: str, keys: list[str]) -> None:
        """Remove objects; no error for one that does not exist. Raises SiteError."""
        for start in range(0, len(keys), _PER_DELETE):
            part = keys[start : start + _PER_DELETE]
            answer = self._client.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in part], "Quiet": True}
            )
            if failed := answer.get("Errors"):
                raise SiteError(f"{bucket}: {failed[0]}")
