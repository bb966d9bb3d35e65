"""Turns Firehose's error objects into dead letters, each record once.

An error object is JSON lines. Its format is in "Handling errors for data format conversion" and
"Handle failure in data transformation" of the Data Firehose developer guide, which spells the
same field `ErrorCode` (in older editions `lastErrorCode`) and `errorCode`.
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
from lambdas.lakestore.objects import Objects
from lambdas.ports.stream import Entry, Stream

STAGE: Stage = "lake"
BATCH = 250
_GZIP = b"\x1f\x8b"
# Codes of faults of the record; all others are faults of the delivery: a table, a role, a key.
_RECORDS_FAULT = ("MalformedData", "ParseError", "InvalidInput")


class ReportError(PlatformError):
    """A dead letter was not stored; the next run retries it."""


@dataclass(frozen=True)
class Failure:
    """One line of an error object. `place` names the record where Firehose does not."""

    stream: str
    code: str
    message: str
    data: bytes
    failed_at: datetime | None
    source: str

    @property
    def reason(self) -> Reason:
        """malformed if the record is at fault, refused if the delivery is."""
        return "malformed" if self.code.endswith(_RECORDS_FAULT) else "refused"


def failure(stream: str, line: bytes, source: str) -> Failure:
    """Parses a line of an error object; an unreadable line becomes the data itself."""
    try:
        fields: dict[str, Any] = orjson.loads(line)
        return Failure(
            stream=stream,
            code=_text(fields, "ErrorCode"),
            message=_text(fields, "ErrorMessage"),
            data=base64.b64decode(fields["rawData"], validate=True),
            failed_at=_instant(fields.get("attemptEndingTimestamp")),
            source=str(fields.get("sequenceNumber") or source),
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, binascii.Error) as error:
        message = f"a line of an error object cannot be read: {error}"
        return Failure(stream, "", message, line, None, source)


def _text(fields: dict[str, Any], name: str) -> str:
    spellings = (name, f"last{name}", name[0].lower() + name[1:])
    return str(next((fields[s] for s in spellings if fields.get(s)), ""))


@dataclass(frozen=True)
class ErrorReports:
    """Writes the dead letters of one use case into `stream`.

    `elsewhere` returns whether another part reports a record of that stream with those bytes;
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
        """Report what is new in the days' folders (None: all). Returns the number of dead letters.

        Raises ReportError for what could not be stored; `reported` has the progress so far.
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
                yield from (item.key for item in self.objects.objects(kind + prefix))

    def _object(self, table: LakeTable, key: str, reported: dict[str, int], now: datetime) -> int:
        lines = self._content(key).splitlines()
        written = 0
        for start in range(reported.get(key, 0), len(lines), BATCH):
            if not self.more():
                return written
            part = lines[start : start + BATCH]
            sources = (f"{key.rpartition('/')[2]}#{start + n}" for n in range(len(part)))
            failures = [failure(table.stream, *pair) for pair in zip(part, sources, strict=True)]
            written += self._put(table, failures, now)
            reported[key] = start + len(part)
        reported[key] = DONE
        return written

    def _content(self, key: str) -> bytes:
        """The uncompressed content: a delivery that compresses its files compresses errors too."""
        content = self.objects.read(key)
        data = b"" if content is None else content[0]
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


def _letter(table: LakeTable, failure: Failure, failed_at: datetime) -> Entry:
    event_id, detail = _event_id(failure.data), f"{failure.code}: {failure.message}"
    return dead_letter(
        Source(table.stream, None, failure.source),
        failure.data,
        use_case=table.use_case,
        stage=STAGE,
        reason=failure.reason,
        detail=detail.removeprefix(": "),
        field=None,
        failed_at=failed_at,
        event_id=event_id,
    )


def _event_id(data: bytes) -> str | None:
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    value = record.get("event_id") if isinstance(record, dict) else None
    return value if isinstance(value, str) else None


def _instant(millis: Any) -> datetime | None:
    try:
        return from_millis(int(millis))
    except (TypeError, ValueError):
        return None
