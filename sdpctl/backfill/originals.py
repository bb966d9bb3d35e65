"""The original records in the lake: read once, filtered, and sorted.

They are sorted by event time, so that no record is late, except that the records of one key stay in
the order in which they were received, because of two that compete the first counts. Records that
were late for the live job are left out: they have a dead letter with exactly their bytes. So are
records that no job could count. All are tallied.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import orjson

from glue import instants
from glue.limits import AHEAD, CLOCKS_DIFFER, RECORD_BYTES
from glue.targets.flink import HEARTBEAT
from sdpctl.backfill.plan import HOUR, Plan
from sdpctl.lake import LakeObject

# An object contains records of up to this time after its oldest one: the longest buffering.
BUFFERED = timedelta(seconds=900)
BLANK = bytes.maketrans(b"\t\r\n", b"   ")  # between the tokens of JSON; never inside a string


@dataclass
class Counted:
    """Counts of the records in the lake."""

    files: int = 0
    bytes: int = 0
    records: int = 0
    late: int = 0
    elsewhere: int = 0
    malformed: int = 0
    first_received: datetime | None = None
    last_received: datetime | None = None
    newest_heartbeat: datetime | None = None

    @property
    def rate(self) -> float | None:
        """Records per second as they arrived; None if unknown."""
        if self.first_received is None or self.last_received is None:
            return None
        seconds = (self.last_received - self.first_received).total_seconds()
        return self.records / seconds if seconds else None

    def received(self, moment: datetime) -> None:
        """Count a record that arrived at that time."""
        self.first_received = min(self.first_received or moment, moment)
        self.last_received = max(self.last_received or moment, moment)

    def beat(self, moment: datetime) -> None:
        """Count a heartbeat."""
        self.newest_heartbeat = max(self.newest_heartbeat or moment, moment)


@dataclass
class Originals:
    """Collects the lines of one plan.

    `keys` are the names of the key by an event's type; `late` has the digests of records that
    arrived late.
    """

    plan: Plan
    keys: Mapping[str, str]
    late: frozenset[bytes]
    counted: Counted = field(default_factory=Counted)

    def rows(self, item: LakeObject, body: BinaryIO) -> Iterator[bytes]:
        """Event time, time of receipt, number, key and line of each record of the input.

        Tab-separated; records are numbered as they are read.
        """
        self.counted.files += 1
        self.counted.bytes += item.size
        latest = item.partition.start + HOUR + BUFFERED + AHEAD + CLOCKS_DIFFER
        for line in lines(body):
            row = self._row(line, latest)
            if row is not None:
                yield row

    def _row(self, line: bytes, latest: datetime) -> bytes | None:
        event, occurred = dated(line)
        if event is None or occurred is None or occurred > latest:
            self.counted.malformed += 1
            return None
        if event.get("type") == HEARTBEAT:
            self.counted.beat(occurred)
            return None
        if not self.plan.events.holds(occurred):
            self.counted.elsewhere += 1
            return None
        if self.late and digest(line) in self.late:
            self.counted.late += 1
            return None
        received = _moment(event, "received_at") or occurred
        self.counted.records += 1
        self.counted.received(received)
        number = self.counted.records
        key = key_of(self.keys, event) or b"%d" % number  # malformed: a key of its own
        return row(occurred, instants.to_millis(received), number, key, line)


def dated(line: bytes) -> tuple[dict[str, Any] | None, datetime | None]:
    """A record's event and its time; None for what it has not, or is too large for any job."""
    event = _object(line) if len(line) <= RECORD_BYTES else None
    return event, _moment(event, "occurred_at")


def key_of(keys: Mapping[str, str], event: dict[str, Any]) -> bytes | None:
    """A digest of the event's key, whose name is by the event's type; None if it has none."""
    value = event.get(keys.get(str(event.get("type")), ""))
    return None if value is None else digest(str(value).encode()).hex().encode()


def row(occurred: datetime, received: int, number: int, key: bytes, line: bytes) -> bytes:
    """A row as `in_order` sorts it; `received` and `number` are the order of records of a key."""
    prefix = b"%d\t%d\t%d\t%s\t" % (instants.to_millis(occurred), received, number, key)
    return prefix + line.translate(BLANK) + b"\n"


def late_records(bodies: Iterable[BinaryIO]) -> frozenset[bytes]:
    """The digests of all records with a dead letter of reason late."""
    digests = set()
    for body in bodies:
        for line in lines(body):
            letter = _object(line) or {}
            if letter.get("reason") == "late" and letter.get("payload"):
                digests.add(digest(base64.b64decode(letter["payload"])))
    return frozenset(digests)


def in_order(rows: Path, target: Path, lateness: timedelta) -> None:
    """Write the lines of a file of rows, sorted by event time; those of one key by receipt.

    A record that was received after one of its key with a later time waits for that one, but never
    for longer than the lateness, or it would be late.

    As gzip, which Flink reads sequentially as one split: splits read in parallel would be out of
    order again. Sorts on disk if memory is too small.
    """
    columns = (
        "{'occurred': 'BIGINT', 'received': 'BIGINT', 'number': 'BIGINT', 'key': 'VARCHAR',"
        " 'line': 'VARCHAR'}"
    )
    turn = (
        "least(max(occurred) OVER (PARTITION BY key ORDER BY received, number"
        f" ROWS UNBOUNDED PRECEDING), occurred + {lateness // timedelta(milliseconds=1)})"
    )
    plain = "HEADER false, DELIMITER '\t', QUOTE '', ESCAPE ''"
    with closing(duckdb.connect()) as connection:
        connection.execute("SET temp_directory = ?", [str(rows.parent / "sorting")])
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"COPY (SELECT line FROM read_csv('{rows}', auto_detect = false, header = false,"
            f" delim = '\t', quote = '', escape = '', columns = {columns})"
            f" ORDER BY {turn}, received, number)"
            f" TO '{target}' (FORMAT csv, COMPRESSION gzip, {plain})"
        )


def lines(body: BinaryIO) -> Iterator[bytes]:
    """The records of an object: one per line, or concatenated."""
    for line in body:
        text = line.strip()
        if not text:
            continue
        if b"}{" in text and _object(text) is None:
            yield from _apart(text)
        else:
            yield text


def opened(name: str, body: BinaryIO) -> BinaryIO:
    """The body before compression."""
    return gzip.GzipFile(fileobj=body) if name.endswith(".gz") else body  # type: ignore[return-value]


def digest(line: bytes) -> bytes:
    """A digest of a record's bytes."""
    return blake2b(line.strip(), digest_size=16).digest()


def write(rows: Iterable[bytes], target: Path) -> None:
    """Write rows to a file."""
    with target.open("wb") as out:
        out.writelines(rows)


def _apart(text: bytes) -> Iterator[bytes]:
    decoder, rest = json.JSONDecoder(), text.decode("utf-8", errors="replace")
    position = 0
    while position < len(rest):
        try:
            _, end = decoder.raw_decode(rest, position)
        except ValueError:
            yield rest[position:].encode()
            return
        yield rest[position:end].encode()
        position = end


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _moment(event: dict[str, Any] | None, name: str) -> datetime | None:
    value = (event or {}).get(name)
    if not isinstance(value, str):
        return None
    try:
        return instants.parse(value)
    except ValueError:
        return None
