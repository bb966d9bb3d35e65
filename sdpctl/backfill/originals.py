"""The original records in the lake: read once, filtered, and sorted.

They are sorted by event time, so that no record is late, except that the records of one key stay in
the order in which they were received, because of two that compete the first counts. Records that
were late for the live job are left out: they have a dead letter with exactly their bytes. So are
records that no job could count. All are tallied.

Operators that remember let a late record change what follows, as a late debit changes a balance.
There it is put where the live job had come to, behind a heartbeat that brings event time there: so
it is late again, between the same records as before.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
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
_REACHED = re.compile(r"the stream had reached \((\S+?)\)")
BLANK = bytes.maketrans(b"\t\r\n", b"   ")  # between the tokens of JSON; never inside a string


@dataclass
class Counted:
    """Counts of the records.

    `unplaced` are late ones that may have changed what followed, and it is not known what that is.
    """

    files: int = 0
    bytes: int = 0
    records: int = 0
    late: int = 0
    elsewhere: int = 0
    malformed: int = 0
    unplaced: int = 0
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
    arrived late, each with the event time (epoch ms) that the job had reached, or None.
    """

    plan: Plan
    keys: Mapping[str, str]
    late: Mapping[bytes, int | None]
    counted: Counted = field(default_factory=Counted)

    def rows(self, item: LakeObject, body: BinaryIO) -> Iterator[bytes]:
        """Event time, time of receipt, number, key and line of each record of the input.

        Tab-separated; records are numbered as they are read.
        """
        self.counted.files += 1
        self.counted.bytes += item.size
        latest = item.partition.start + HOUR + BUFFERED + AHEAD + CLOCKS_DIFFER
        for line in lines(body):
            yield from self._rows(line, latest)

    def _rows(self, line: bytes, latest: datetime) -> Iterator[bytes]:
        event, occurred = dated(line)
        if event is None or occurred is None or occurred > latest:
            self.counted.malformed += 1
            return
        if event.get("type") == HEARTBEAT:
            self.counted.beat(occurred)
            return
        if not self.plan.events.holds(occurred):
            self.counted.elsewhere += 1
            return
        received = instants.to_millis(_moment(event, "received_at") or occurred)
        number = self.counted.records + self.counted.late + 1
        key = key_of(self.keys, event) or b"%d" % number  # malformed: a key of its own
        if self.late and (judged := digest(line)) in self.late:
            order = received, number
            yield from late_again(self.counted, self.plan, self.late[judged], order, line)
            return
        self.counted.records += 1
        self.counted.received(instants.from_millis(received))
        yield row(instants.to_millis(occurred), received, number, key, line)


def dated(line: bytes) -> tuple[dict[str, Any] | None, datetime | None]:
    """A record's event and its time; None for what it has not, or is too large for any job."""
    event = _object(line) if len(line) <= RECORD_BYTES else None
    return event, _moment(event, "occurred_at")


def key_of(keys: Mapping[str, str], event: dict[str, Any]) -> bytes | None:
    """A digest of the event's key, whose name is by the event's type; None if it has none."""
    value = event.get(keys.get(str(event.get("type")), ""))
    return None if value is None else digest(str(value).encode()).hex().encode()


def row(occurred: int, received: int, number: int, key: bytes, line: bytes) -> bytes:
    """A row as `in_order` sorts it: by `occurred` (epoch ms).

    `received` and `number` are the order of records of a key.
    """
    prefix = b"%d\t%d\t%d\t%s\t" % (occurred, received, number, key)
    return prefix + line.translate(BLANK) + b"\n"


def late_again(
    counted: Counted, plan: Plan, reached: int | None, order: tuple[int, int], line: bytes
) -> Iterator[bytes]:
    """Count a record that was late; the rows by which it is late again, if that matters.

    `reached` is the event time (epoch ms) that the live job had come to, None if unknown. `order`:
    receipt and number.
    """
    counted.late += 1
    if not plan.remembers:
        return
    if reached is None:
        counted.unplaced += 1
        return
    at = instants.to_wire(instants.from_millis(reached) + plan.delay)
    beat = {"type": HEARTBEAT, "event_id": HEARTBEAT, "occurred_at": at, "received_at": at}
    received, number = order
    yield row(reached, -1, number, b"beat-%d" % reached, orjson.dumps(beat))
    yield row(reached, received, number, b"late-%d-%d" % order, line)


def late_records(bodies: Iterable[BinaryIO]) -> dict[bytes, int | None]:
    """The digests of all records with a dead letter of reason late, and what was reached then."""
    digests = {}
    for body in bodies:
        for line in lines(body):
            letter = _object(line) or {}
            if letter.get("reason") == "late" and letter.get("payload"):
                digests[digest(base64.b64decode(letter["payload"]))] = reached(letter)
    return digests


def reached(letter: Mapping[str, Any]) -> int | None:
    """The event time (epoch ms) behind which the record of a letter was late, from its detail."""
    found = _REACHED.search(str(letter.get("detail")))
    try:
        return instants.to_millis(instants.parse(found[1])) if found else None
    except ValueError:
        return None


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
