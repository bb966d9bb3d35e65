"""The current files of a lake table: its registered partitions and their objects.

Folders are not listed for this: the files of a merged partition are in another folder than the
delivered ones, and for a while both exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlparse


@dataclass(frozen=True)
class Partition:
    """One hour of a table: the hour of delivery, and where its objects are."""

    date: str
    hour: str
    location: str

    @property
    def start(self) -> datetime:
        """The start of the hour."""
        return datetime.fromisoformat(f"{self.date}T{self.hour}:00").replace(tzinfo=UTC)


@dataclass(frozen=True)
class LakeObject:
    """One object of a partition."""

    partition: Partition
    bucket: str
    key: str
    size: int

    @property
    def uri(self) -> str:
        """Its address in S3."""
        return f"s3://{self.bucket}/{self.key}"


def partitions(glue: Any, database: str, table: str) -> list[Partition]:
    """The registered partitions, oldest first. `glue` is a boto3 client."""
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table)
    registered = [_partition(part) for page in pages for part in page["Partitions"]]
    return sorted(registered, key=lambda part: (part.date, part.hour))


def objects(s3: Any, registered: Iterable[Partition]) -> Iterator[LakeObject]:
    """The objects of the partitions without hidden ones, as in Athena. `s3` is a client."""
    for partition in registered:
        location = urlparse(partition.location)
        prefix = location.path.strip("/") + "/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=location.netloc, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                if not _hidden(entry["Key"].removeprefix(prefix)):
                    yield LakeObject(partition, location.netloc, entry["Key"], entry["Size"])


def _partition(part: dict[str, Any]) -> Partition:
    day, hour = part["Values"]
    return Partition(day, hour, part["StorageDescriptor"]["Location"])


def _hidden(name: str) -> bool:
    return not name or any(part.startswith(("_", ".")) for part in name.split("/"))
