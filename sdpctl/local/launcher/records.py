"""Kinesis' records are in a journal before they are answered, and survive a kill of the emulator.

The emulator has them in memory and saves them when it ends. The journal has each PutRecords with
the shards and numbers that it was given, what streams and shards there are, and how far each event
source mapping has read. At the start it is replayed on what was saved; it is trimmed when that is
saved again, and segments go that are older than any stream's retention.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.services import kinesis, lambda_svc

from sdpctl.local.launcher.journal import Entry, Journal, Numbered

Row = tuple[str, dict[str, Any]]  # the shard, and the record as the emulator keeps it
NAMES = ("SequenceNumber", "ApproximateArrivalTimestamp", "Data", "PartitionKey")

REPLACED: dict[Callable[..., Any], list[str]] = {
    kinesis.get_state: [],
    kinesis.load_persisted_state: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    kinesis: ("_streams",),
    lambda_svc: ("_iter_all_esms", "_kinesis_positions"),
}
_structure: Any = None  # the streams and shards that the journal has
_unwritten = False  # they have changed, and that could not be written yet
_positions: dict[str, Entry] = {}  # of mappings, as the journal has them
_readable = threading.Event()
_readable.set()
PERSISTENT = os.environ.get("PERSIST_STATE") == "1"


def replace() -> None:
    """Put our functions in the place of the emulator's; `retention` polls, and reports to us."""
    _numbered.replace()


def keep(stream: dict[str, Any], rows: list[Row]) -> None:
    """Add the records to their shards; OSError, and nothing is added, if they are not written."""
    if PERSISTENT and rows:
        note_structure()
        listed = [[shard_id, *(row[name] for name in NAMES)] for shard_id, row in rows]
        journal.append({"put": stream["StreamARN"], "rows": listed})
    for shard_id, row in rows:
        stream["shards"][shard_id]["records"].append(row)


def note_structure() -> None:
    """Write which streams and shards there are, if that has changed; OSError if it cannot."""
    global _structure, _unwritten
    if PERSISTENT and (found := _signature()) != _structure:
        _unwritten = True
        journal.append(_head())
        _structure, _unwritten = found, False


def note_unwritten() -> None:
    """Write which streams there are, if that could not be written when it changed."""
    if _unwritten:
        note_structure()


def _signature() -> Any:
    """Something that is equal as long as no stream and no shard has changed."""
    settings = ("StreamStatus", "StreamModeDetails", "RetentionPeriodHours", "CreationTimestamp")
    return [
        (key, *(repr(stream.get(name)) for name in settings), *stream["shards"])
        for key, stream in kinesis._streams.all_items()
    ]


def _head() -> Entry:
    """The streams without their records, and the positions."""
    streams = [[*key, _empty(stream)] for key, stream in kinesis._streams.all_items()]
    return {"streams": streams, "positions": [[*key, p] for key, p in _read().items()]}


def _empty(stream: dict[str, Any]) -> dict[str, Any]:
    shards = {name: {**shard, "records": []} for name, shard in stream["shards"].items()}
    return {**stream, "shards": shards}


journal = Journal(Path(os.environ.get("STATE_DIR", ".")) / "journal" / "kinesis", _head)
_numbered = Numbered(kinesis, journal)


def note_positions() -> None:
    """Write how far mappings have read, if that has changed: the number of the last record."""
    global _positions
    found = _read()
    changed = [[*key, p] for key, p in found.items() if _positions.get(key) != p]
    if PERSISTENT and changed:
        with suppress(OSError):  # they read again what they have read, as after a crash
            journal.append({"positions": changed})
            _positions = found


def _read() -> dict[Any, Entry]:
    by_arn = {stream["StreamARN"]: stream for _, stream in kinesis._streams.all_items()}
    arns = {esm["UUID"]: esm.get("EventSourceArn") for *_, esm in lambda_svc._iter_all_esms()}
    found = {}
    for key, positions in list(lambda_svc._kinesis_positions.all_items()):
        if stream := by_arn.get(arns.get(key[-1])):
            shards = stream["shards"]
            found[key] = {s: _last(shards[s], n) for s, n in positions.items() if s in shards}
    return found


def _last(shard: dict[str, Any], position: int) -> str:
    """The number of the record before the position; empty for the first."""
    records = shard["records"][max(0, position - 1) : position]
    return str(records[-1]["SequenceNumber"]) if records else ""


@contextmanager
def unread() -> Iterator[None]:
    """Nothing is read for event source mappings within the block."""
    _readable.clear()
    yield
    _readable.set()


def await_readable() -> None:
    """Wait until streams are whole."""
    _readable.wait()


def drop_expired(now: float) -> None:
    """Remove segments that are older than any stream keeps its records (epoch seconds)."""
    hours = [s["RetentionPeriodHours"] for _, s in kinesis._streams.all_items()]
    if PERSISTENT and hours:
        journal.drop_older(now - max(hours) * 3600)


def replay() -> None:
    """Bring the loaded state to what was answered before the process ended."""
    global _structure
    positions: dict[Any, Entry] = {}
    for entry in journal.entries(_numbered.saved):
        if "streams" in entry:
            _restore(entry["streams"])
        if "put" in entry:
            _add(entry["put"], entry["rows"])
        positions.update({tuple(key): p for *key, p in entry.get("positions", [])})
    for key, read in positions.items():
        _move(key, read)
    _structure = None


def _restore(streams: Iterable[list[Any]]) -> None:
    """Exactly these streams and shards, with the records that they have now."""
    before = dict(kinesis._streams.all_items())
    for key in before:
        kinesis._streams.pop_scoped(*key)
    for *key, stream in streams:
        known = before.get(tuple(key), {}).get("shards", {})
        for shard_id, shard in stream["shards"].items():
            shard["records"] = known.get(shard_id, shard)["records"]
        kinesis._streams.set_scoped(*key, stream)


def _add(arn: str, rows: list[list[Any]]) -> None:
    for _, stream in kinesis._streams.all_items():
        if stream["StreamARN"] == arn:
            for shard_id, *values in rows:
                row = dict(zip(NAMES, values, strict=True))
                stream["shards"][shard_id]["records"].append(row)


def _move(key: Any, read: Entry) -> None:
    """Set a mapping behind the records that it had read."""
    arns = {esm["UUID"]: esm.get("EventSourceArn") for *_, esm in lambda_svc._iter_all_esms()}
    for _, stream in kinesis._streams.all_items():
        if stream["StreamARN"] == arns.get(key[-1]):
            positions = {
                s: _index(stream["shards"][s], n) for s, n in read.items() if s in stream["shards"]
            }
            lambda_svc._kinesis_positions.set_scoped(*key, positions)


def _index(shard: dict[str, Any], number: str) -> int:
    return bisect_right(shard["records"], number, key=lambda r: r["SequenceNumber"])


def last_number() -> str:
    """The greatest sequence number that any shard has; empty if there is no record."""
    shards = (shard for _, s in kinesis._streams.all_items() for shard in s["shards"].values())
    return max((s["records"][-1]["SequenceNumber"] for s in shards if s["records"]), default="")


def drop_saved(number: int) -> None:
    """The state with the entry of the number is saved: remove what leads up to it."""
    global _structure
    journal.drop(number)
    _structure = None
