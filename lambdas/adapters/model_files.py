"""The lake's bucket, by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONFIG = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
ABSENT = ("NoSuchKey", "404")


class S3Objects:
    """The `Objects` of retraining and of predictions over one bucket."""

    def __init__(self, bucket: str, client: S3Client | None = None) -> None:
        self._bucket = bucket
        self._client: Any = client or boto3.client("s3", config=CONFIG)

    def read(self, key: str) -> bytes | None:
        """The object; None if there is none."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise
        body: bytes = answer["Body"].read()
        return body

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Write the whole object."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def copy(self, source: str, key: str) -> None:
        """The same bytes under another key."""
        self._client.copy_object(
            Bucket=self._bucket, Key=key, CopySource={"Bucket": self._bucket, "Key": source}
        )

    def keys(self, uri: str) -> list[str]:
        """The keys below an s3:// location of the bucket, in order."""
        prefix = uri.removeprefix(f"s3://{self._bucket}/")
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]
