"""The file of corrected records that `./sdp dead-letters replay --edit` reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from sdpctl.errors import CommandError


def edits(lines: Iterable[bytes], source: str) -> dict[str, dict[str, Any]]:
    """Records by the id of their letter, from NDJSON of `id` and `record`.

    Raises CommandError naming the line.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            edit = orjson.loads(line)
            id_, record = edit["id"], edit["record"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            id_, record = None, None
        if not isinstance(id_, str) or not isinstance(record, dict):
            raise CommandError(
                f'{source} line {number}: must be {{"id": "…", "record": {{…}}}}, as --dry-run '
                "--json prints it"
            )
        found[id_] = record
    return found
