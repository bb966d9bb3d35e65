"""What a table of the lake consists of now: its registered partitions, and their objects.

Folders are not listed for this: a partition that was merged lies elsewhere than it was delivered
to, and for a while both are there.
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
        """The beginning of the hour."""
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
    found = [_partition(part) for page in pages for part in page["Partitions"]]
    return sorted(found, key=lambda part: (part.date, part.hour))


def objects(s3: Any, found: Iterable[Partition]) -> Iterator[LakeObject]:
    """The objects of the partitions, hidden ones left out as Athena does. `s3` is a client."""
    for partition in found:
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
