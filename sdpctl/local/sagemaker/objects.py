"""What jobs and endpoints read from S3 and write to it: channels, code, archives."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from features.archives import UNREADABLE, whole
from sdpctl.errors import CommandError
from sdpctl.local.sagemaker.store import Document


class S3FileError(CommandError):
    """Something on S3 is not there, or is not what it should be."""


class S3Files:
    """S3 as SageMaker uses it; `client` is a boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def channel(self, channel: Document, folder: Path) -> None:
        """Bring a channel's files into its folder; S3FileError says what is missing."""
        source = channel["DataSource"]["S3DataSource"]
        kind, uri = source["S3DataType"], source["S3Uri"]
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "ManifestFile":
            self._manifest(uri, folder)
        elif kind == "S3Prefix":
            self._prefix(uri, folder)
        else:
            raise S3FileError(f"S3DataType {kind} is not one of ManifestFile and S3Prefix")

    def _manifest(self, uri: str, folder: Path) -> None:
        """`[{"prefix": "s3://…/"}, "key", …]`: each key below the prefix keeps its folders."""
        try:
            first, *keys = json.loads(self.read(uri))
            prefix = first["prefix"]
        except (ValueError, KeyError, TypeError) as error:
            raise S3FileError(f"{uri} is not a manifest: {error}") from error
        for key in keys:
            self.download(f"{prefix}{key}", _inside(folder, key))

    def _prefix(self, uri: str, folder: Path) -> None:
        bucket, prefix = _split(uri)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [o["Key"] for page in pages for o in page.get("Contents", [])]
        if not keys:
            raise S3FileError(f"No S3 objects found under S3 URL {uri!r}")
        base = prefix.rpartition("/")[0]
        for key in keys:
            if not key.endswith("/"):
                path = key.removeprefix(base).lstrip("/")
                self.download(f"s3://{bucket}/{key}", _inside(folder, path))

    def read(self, uri: str) -> bytes:
        """The object; S3FileError if it cannot be read."""
        bucket, key = _split(uri)
        try:
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise S3FileError(f"{uri} cannot be read: {error}") from error
        return body

    def download(self, uri: str, path: Path) -> None:
        """The object as a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.read(uri))

    def unpack(self, uri: str, folder: Path) -> None:
        """The archive's files into the folder; S3FileError if it is none."""
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder.parent / f"{folder.name}.tar.gz"
        self.download(uri, archive)
        try:
            with whole(archive) as tar:
                tar.extractall(folder, filter="data")
        except UNREADABLE as error:
            raise S3FileError(f"{uri} is not a tar.gz archive: {error}") from error
        finally:
            archive.unlink(missing_ok=True)

    def pack(self, folder: Path, uri: str) -> bool:
        """The folder's files as an archive, if there are any; whether there were."""
        if not any(p.is_file() for p in folder.rglob("*")):
            return False
        archive = folder.parent / f"{folder.name}.tar.gz"
        # Without times, so that the same files are the same bytes.
        with (
            archive.open("wb") as out,
            gzip.GzipFile("", "wb", 6, out, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                tar.add(path, path.relative_to(folder).as_posix(), filter=_without_time)
        bucket, key = _split(uri)
        self._client.upload_file(str(archive), bucket, key)
        archive.unlink()
        return True


def _without_time(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise S3FileError(f"{name} leads out of its folder")
    return path


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise S3FileError(f"{uri} is not an s3:// URI")
    return parts.netloc, parts.path.lstrip("/")
