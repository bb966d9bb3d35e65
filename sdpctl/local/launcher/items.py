"""DynamoDB's items: each write is in a journal before it is answered.

The emulator has tables in memory and saves them when it ends. The journal has the writes that
succeeded, as they were requested; at the start they are made again, in their order, on what was
saved. When a table is created, changed or deleted, and when the journal has become larger than the
saved tables, the tables are saved and the journal begins again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import persistence, responses
from ministack.services import dynamodb

from sdpctl.local.launcher import journal as journals
from sdpctl.local.launcher.journal import Entry, Journal, Numbered

WRITES = {
    "BatchWriteItem": "_batch_write_item",
    "DeleteItem": "_delete_item",
    "PutItem": "_put_item",
    "TransactWriteItems": "_transact_write_items",
    "UpdateItem": "_update_item",
}

REPLACED: dict[Callable[..., Any], list[str]] = {
    dynamodb.get_state: [],
    dynamodb.load_persisted_state: ["data"],
    persistence.save_state: ["service", "data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    dynamodb: ("_pitr_settings", "_tables", "_tags", "_ttl_settings", *WRITES.values()),
    responses: ("get_account_id", "get_region", "request_scope"),
}
_tables: Any = None  # what tables the saved state has
_unwritten: list[Entry] = []  # changes that are in memory and not yet in the journal
_unsaved = False  # the tables have changed and could not be saved yet
_DESCRIBED = ("TableId", "TableStatus", "BillingModeSummary", "StreamSpecification")
_folder = Path(os.environ.get("STATE_DIR", "."))
PERSISTENT = os.environ.get("PERSIST_STATE") == "1"
journal = Journal(_folder / "journal" / "dynamodb")
_numbered = Numbered(dynamodb, journal)


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    _numbered.replace()


def note(action: str, body: bytes) -> None:
    """Keep what a request has changed; OSError if it is not written: `keep` tries again."""
    global _unsaved
    if action in WRITES and _signature() == _tables and not _overgrown():
        scope = [responses.get_account_id(), responses.get_region()]
        _unwritten.append({"scope": scope, "action": action, "data": json.loads(body)})
    else:
        _unsaved = True
    keep()


def keep() -> None:
    """Write what has changed and could not be written when it did; OSError if it still cannot."""
    if _unsaved:
        save()
    while _unwritten:
        journal.append(_unwritten[0])
        del _unwritten[0]


def save_if_changed() -> None:
    """Save the tables if one was created, changed or deleted since they were saved."""
    if _signature() != _tables:
        save()


def save() -> None:
    """Save the tables and begin a new journal; OSError if that failed."""
    path, number = _folder / "dynamodb.json", journal.number
    before = _identity(path)
    persistence.save_state("dynamodb", dynamodb.get_state())
    if PERSISTENT and _identity(path) == before:
        raise OSError(f"{path} could not be written")
    drop_saved(number)


def drop_saved(number: int) -> None:
    """The state with the entry of the number is saved: remove what leads up to it."""
    global _tables, _unsaved
    _unwritten.clear()
    _unsaved = False
    journal.drop(number)
    _tables = _signature()


def replay() -> None:
    """Bring the loaded state to what was answered before the process ended."""
    for entry in journal.entries(_numbered.saved):
        with responses.request_scope(*entry["scope"]):
            getattr(dynamodb, WRITES[entry["action"]])(entry["data"])


def _signature() -> Any:
    """Something that is equal as long as no table but its items has changed."""
    settings = (dynamodb._ttl_settings, dynamodb._pitr_settings, dynamodb._tags)
    tables = [
        (key, *(repr(table.get(name)) for name in _DESCRIBED), len(_indexes(table)))
        for key, table in dynamodb._tables.all_items()
    ]
    return tables, [repr(setting._data) for setting in settings]


def _indexes(table: dict[str, Any]) -> list[Any]:
    return [*(table.get("GlobalSecondaryIndexes") or [])]


def _overgrown() -> bool:
    """Whether there is more to replay than to load."""
    size = sum(path.stat().st_size for path in journal.segments())
    saved = _folder / "dynamodb.json"
    least = saved.stat().st_size if saved.exists() else 0
    return size > max(journals.SEGMENT_BYTES, least)


def _identity(path: Path) -> tuple[int, int] | None:
    """Of the file that has the name now."""
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None
