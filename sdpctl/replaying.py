"""Sends the records of dead letters again, each at most once, through the public API.

Before a record is sent it is stored with its letter's id, and the result after it. A letter whose
record was accepted is not sent again. One whose result is unknown, because the command ended, is
sent again as it was stored: with the same event_id and event time, so that it counts once. May not
import typer or rich.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from glue.instants import to_wire
from glue.schema import RECEIPT
from lambdas.ports.ledger import expires_at
from sdpctl.errors import CommandError
from sdpctl.sql.letters import original

Letter = Mapping[str, Any]
OURS = ("received_at", RECEIPT)
"""What ingestion adds by itself, and takes from nobody."""


class State(StrEnum):
    """What is known of a letter's replay."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Replay:
    """The replay of one letter: the record that is or was sent, and its result."""

    use_case: str
    letter: str
    record: bytes
    state: State
    at: str
    error: str = ""

    @property
    def event_id(self) -> str:
        """The id of the record."""
        return str(orjson.loads(self.record)["event_id"])


class Replays:
    """What was replayed, in the ledger's table; `client` is boto3's of DynamoDB."""

    def __init__(self, table: str, client: Any) -> None:
        self._table, self._client = table, client

    def find(self, use_case: str, letter: str) -> Replay | None:
        """The replay of a letter, or None, also where the deployment is older than the table."""
        key = _key(use_case, letter)
        try:
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return _replay(use_case, letter, answer["Item"]) if "Item" in answer else None

    def claim(self, replay: Replay) -> Replay | None:
        """Stores that a record is about to be sent.

        Returns the replay that is to be sent: of one that was not finished the former record. None
        if the letter's record was accepted already.
        """
        before = self.find(replay.use_case, replay.letter)
        if before and before.state is not State.REJECTED:
            return None if before.state is State.ACCEPTED else before
        # of two that replay at once one is first, and the other then finds it
        absent = "attribute_not_exists(pk) OR #state = :rejected"
        request = {
            "ConditionExpression": absent,
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":rejected": {"S": State.REJECTED}},
        }
        try:
            self._put(replay, request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return replay

    def settle(self, replay: Replay) -> None:
        """Stores the result."""
        self._put(replay, {})

    def _put(self, replay: Replay, more: Mapping[str, Any]) -> None:
        item = {
            **_key(replay.use_case, replay.letter),
            "record": {"B": replay.record},
            "state": {"S": replay.state},
            "at": {"S": replay.at},
            "error": {"S": replay.error},
            "expires_at": {"N": str(expires_at(datetime.fromisoformat(replay.at)))},
        }
        self._client.put_item(TableName=self._table, Item=item, **more)


def _key(use_case: str, letter: str) -> dict[str, Any]:
    return {"pk": {"S": f"{use_case}#replay"}, "sk": {"S": letter}}


def _replay(use_case: str, letter: str, item: Mapping[str, Any]) -> Replay:
    return Replay(
        use_case,
        letter,
        bytes(item["record"]["B"]),
        State(item["state"]["S"]),
        item["at"]["S"],
        item["error"]["S"],
    )


def sendable(row: Letter) -> bytes:
    """The record of a letter as its sender would send it again. Raises CommandError otherwise.

    It keeps the event_id and the event time, by which the platform recognises it; where the record
    has none they are derived from the letter, so that each replay has the same.
    """
    letter = row["id"]
    if row["stage"] != "flink":
        raise CommandError(f"{letter}: of stage {row['stage']}, which is no event of a sender")
    data = original(row["payload"], row["encoding"])
    try:
        record = orjson.loads(data or b"")
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise CommandError(f"{letter}: the record is not a JSON object; replay it with --edit")
    return encoded({k: v for k, v in record.items() if k not in OURS}, row)


def encoded(record: Mapping[str, Any], row: Letter) -> bytes:
    """A record with the event_id and the event time that its letter gives it."""
    derived = hashlib.sha256(str(row["id"]).encode()).hexdigest()[:32]
    named = {
        "event_id": row.get("event_id") or f"replay-{derived}",
        "occurred_at": _wire(row.get("occurred_at") or row["failed_at"]),
    }
    kept = {k: v for k, v in record.items() if v is not None}
    return orjson.dumps({**named, **kept})


def _wire(moment: Any) -> str:
    if isinstance(moment, datetime):
        return to_wire(moment)
    text = str(moment).removesuffix(" UTC").replace(" ", "T")
    return text if text.endswith("Z") else f"{text}Z"


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


def replay(
    rows: Iterable[tuple[str, Letter, bytes]],
    store: Replays,
    post: Callable[[bytes], tuple[State, str]],
    clock: Callable[[], datetime],
) -> Iterable[tuple[str, str, Replay | None]]:
    """Sends the records of (use case, letter, record); yields each with its result.

    None is the result of a letter whose record was accepted before. `post` raises CommandError if
    the API does not answer; the letter's record then stays `sending`.
    """
    for use_case, row, record in rows:
        claimed = store.claim(Replay(use_case, row["id"], record, State.SENDING, to_wire(clock())))
        if claimed is None:
            yield use_case, row["id"], None
            continue
        state, error = post(claimed.record)
        done = Replay(use_case, row["id"], claimed.record, state, to_wire(clock()), error)
        store.settle(done)
        yield use_case, row["id"], done
