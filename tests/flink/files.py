"""The streams of the connector `files`, as the application reads and writes them in tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glue.schema import RECEIPT

Row = dict[str, Any]


def record(event: Mapping[str, Any], receipt: int) -> Row:
    """An event as the door stores it."""
    fields = {"received_at": event["occurred_at"], **event}
    stored = json.dumps({**fields, RECEIPT: receipt}, separators=(",", ":"))
    data = base64.b64encode(stored.encode()).decode()
    return {**fields, "data": data, "shard_id": "shard-0"}


def write(
    folder: Path, use_case: str, stream: str, events: Iterable[Mapping[str, Any]], again: int = 0
) -> None:
    """Write the events of a stream; the first `again` are there once more with their receipts."""
    source = folder / "data" / use_case / stream
    source.mkdir(parents=True)
    lines = [json.dumps(record(event, number)) + "\n" for number, event in enumerate(events)]
    (source / "events.json").write_text("".join([*lines, *lines[:again]]))


def written(folder: Path, use_case: str, stream: str) -> list[Row]:
    """Every row that a run has written to a stream."""
    files = sorted((folder / "data" / use_case / stream).rglob("*"))
    return [json.loads(row) for f in files if f.is_file() for row in f.read_text().splitlines()]
