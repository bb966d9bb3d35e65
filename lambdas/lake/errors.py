"""Firehose's error objects into dead letters, each record once.

An error object is JSON lines. Source of the form: "Handling errors for data format conversion"
and "Handle failure in data transformation" in the Data Firehose developer guide, which
spells the same field `ErrorCode` (in older editions `lastErrorCode`) and `errorCode`.
"""

from __future__ import annotations

import base64
import binascii
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from glue import PlatformError
from glue.deadletter import Reason, Stage
from glue.instants import from_millis
from glue.targets.lake import LakeTable
from lambdas.dead_letters import Source, dead_letter
from lambdas.lake.ports import Objects
from lambdas.stream import Entry, Stream

STAGE: Stage = "lake"
BATCH = 250
_GZIP = b"\x1f\x8b"
# Codes that blame the record; all others blame the delivery: a table, a role, a key.
_RECORDS_FAULT = ("MalformedData", "ParseError", "InvalidInput")


class ReportError(PlatformError):
    """A dead letter was not stored; it is tried again with the next look."""


@dataclass(frozen=True)
class Failure:
    """One line of an error object. `place` names the record where Firehose does not."""

    stream: str
    code: str
    message: str
    data: bytes
    failed_at: datetime | None
    place: str

    @property
    def reason(self) -> Reason:
        """Whose fault it is: the record's (malformed) or the delivery's (refused)."""
        return "malformed" if self.code.endswith(_RECORDS_FAULT) else "refused"


def failure(stream: str, line: bytes, place: str) -> Failure:
    """What a line of an error object says; a line that says nothing is kept as it is."""
    try:
        found: dict[str, Any] = orjson.loads(line)
        return Failure(
            stream=stream,
            code=_said(found, "ErrorCode"),
            message=_said(found, "ErrorMessage"),
            data=base64.b64decode(found["rawData"], validate=True),
            failed_at=_instant(found.get("attemptEndingTimestamp")),
            place=str(found.get("sequenceNumber") or place),
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, binascii.Error) as error:
        said = f"an error object's line cannot be read: {error}"
        return Failure(stream, "", said, line, None, place)


def _said(found: dict[str, Any], name: str) -> str:
    spellings = (name, f"last{name}", name[0].lower() + name[1:])
    return str(next((found[s] for s in spellings if found.get(s)), ""))


@dataclass(frozen=True)
class ErrorReports:
    """Writes the dead letters of one use case into `stream`.

    `elsewhere` tells whether another part reports a record of that stream and with those bytes;
    `more` whether there is time for another batch.
    """

    objects: Objects
    letters: Stream
    stream: str
    elsewhere: Callable[[str, bytes], bool]
    more: Callable[[], bool] = lambda: True

    def __call__(
        self,
        table: LakeTable,
        reported: dict[str, int],
        days: Sequence[str] | None,
        now: datetime,
    ) -> int:
        """Report what is new below the days' folders (None: all); how many dead letters.

        Raises ReportError for what could not be stored; `reported` says how far it came.
        """
        return sum(
            self._object(table, key, reported, now)
            for key in self._keys(table.error_folder, days)
            if reported.get(key) != DONE and self.more()
        )

    def _keys(self, folder: str, days: Sequence[str] | None) -> Iterator[str]:
        for kind in self.objects.folders(folder):
            prefixes = [f"date={day}/" for day in days] if days is not None else [""]
            for prefix in prefixes:
                yield from (found.key for found in self.objects.objects(kind + prefix))

    def _object(self, table: LakeTable, key: str, reported: dict[str, int], now: datetime) -> int:
        lines = self._content(key).splitlines()
        written = 0
        for start in range(reported.get(key, 0), len(lines), BATCH):
            if not self.more():
                return written
            part = lines[start : start + BATCH]
            places = (f"{key.rpartition('/')[2]}#{start + n}" for n in range(len(part)))
            failures = [failure(table.stream, *pair) for pair in zip(part, places, strict=True)]
            written += self._put(table, failures, now)
            reported[key] = start + len(part)
        reported[key] = DONE
        return written

    def _content(self, key: str) -> bytes:
        """Unpacked: a delivery that compresses what it delivers compresses errors too."""
        found = self.objects.read(key)
        data = b"" if found is None else found[0]
        return gzip.decompress(data) if data.startswith(_GZIP) else data

    def _put(self, table: LakeTable, failures: Sequence[Failure], now: datetime) -> int:
        entries = [
            _letter(table, f, f.failed_at or now)
            for f in failures
            if not self.elsewhere(table.stream, f.data)
        ]
        if failed := [r for r in self.letters.put(self.stream, entries) if r is not None]:
            raise ReportError(f"{len(failed)} of {len(entries)} dead letters: {sorted({*failed})}")
        return len(entries)


DONE = -1


def _letter(table: LakeTable, found: Failure, failed_at: datetime) -> Entry:
    event_id, detail = _event_id(found.data), f"{found.code}: {found.message}"
    return dead_letter(
        Source(table.stream, None, found.place),
        found.data,
        use_case=table.use_case,
        stage=STAGE,
        reason=found.reason,
        detail=detail.removeprefix(": "),
        field=None,
        failed_at=failed_at,
        event_id=event_id,
    )


def _event_id(data: bytes) -> str | None:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    value = found.get("event_id") if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def _instant(millis: Any) -> datetime | None:
    try:
        return from_millis(int(millis))
    except (TypeError, ValueError):
        return None
