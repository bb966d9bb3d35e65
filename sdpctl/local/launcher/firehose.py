"""Firehose: a Kinesis source is left to our delivery worker.

The emulator's own delivery runs inside PutRecords, one object per record. The worker reads the
backup of source records from the description, where the emulator leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import firehose

REPLACED: dict[Callable[..., Any], list[str]] = {
    firehose.ingest_from_kinesis_source: ["stream_arn", "records"],
    firehose._dest_description: ["dest"],
}
USED: dict[ModuleType, tuple[str, ...]] = {}
_described = firehose._dest_description


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    firehose.ingest_from_kinesis_source = _leave_to_the_worker
    firehose._dest_description = _describe_destination


def _leave_to_the_worker(stream_arn: str, records: list[Any]) -> None:
    """Deliver nothing."""


def _describe_destination(dest: dict[str, Any]) -> dict[str, Any]:
    """With the backup of source records, under the name that Firehose has for it."""
    description: dict[str, Any] = _described(dest)
    backup = dest["config"].get("S3BackupConfiguration")
    if backup and "ExtendedS3DestinationDescription" in description:
        description["ExtendedS3DestinationDescription"]["S3BackupDescription"] = backup
    return description
