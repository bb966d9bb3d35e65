"""The lake's bucket: whole objects, listings, and the conditional writes that leases are made of.

S3 is strongly consistent, and lets one of two conditional writes win:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from glue import PlatformError
from lambdas.lakestore.objects import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
_CHUNK = 2**20
_PER_DELETE = 1_000
_ABSENT = {"NoSuchKey", "404"}
# The condition did not hold, or another conditional write of the key came first.
_NOT_FREE = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409", "404"}


class ObjectsError(PlatformError):
    """An object is missing, or could not be removed."""


def client(connect_seconds: int = 5, read_seconds: int = 60, attempts: int = 6) -> S3Client:
    """A client that transfers several objects in parallel and retries."""
    config = Config(
        max_pool_connections=CONNECTIONS,
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "max_attempts": attempts},
    )
    return boto3.client("s3", config=config)


class BucketObjects:
    """The `Objects` of the lake over one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level down that contain objects, sorted, each ending in `/`."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
            yield from (item["Prefix"] for item in page.get("CommonPrefixes", ()))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects with this key prefix, sorted by key."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                yield StoredObject(item["Key"], item["Size"], item["ETag"])

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return answer["Body"].read(), answer["ETag"]

    def write(self, key: str, content: bytes, content_type: str = "") -> None:
        """Store the content, replacing any object with this key."""
        kind: Any = {"ContentType": content_type} if content_type else {}
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **kind)

    def copy(self, source: str, key: str) -> None:
        """Store the bytes of another object under this key."""
        self._client.copy_object(
            Bucket=self._bucket, Key=key, CopySource={"Bucket": self._bucket, "Key": source}
        )

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        """Store it and return the ETag; None unless the key is free or has the ETag `replaced`."""
        put = {"Bucket": self._bucket, "Key": key, "Body": content}
        try:
            if replacing is None:
                return self._client.put_object(**put, IfNoneMatch="*")["ETag"]  # type: ignore[arg-type]
            return self._client.put_object(**put, IfMatch=replacing)["ETag"]  # type: ignore[arg-type]
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FREE:
                return None
            raise

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file. Raises ObjectsError if there is none."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise ObjectsError(f"{key} does not exist") from error
            raise
        with path.open("wb") as file:
            shutil.copyfileobj(body, file, _CHUNK)

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object in one request, so that a killed upload leaves no parts."""
        with path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; objects that no longer exist are ignored."""
        left = iter(keys)
        while chunk := list(islice(left, _PER_DELETE)):
            answer = self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True},
            )
            if errors := answer.get("Errors"):
                raise ObjectsError(f"{len(errors)} objects were not removed: {errors[0]}")
