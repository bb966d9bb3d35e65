"""A dead letter carries a record's bytes, as far as a stream takes them."""

import base64
import gzip
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from glue.limits import LETTER_BYTES
from lambdas.dead_letters import Source, dead_letter

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
KINESIS_BYTES, FIREHOSE_BYTES = 2**20, 1_000 * 1024


def _letter(data: bytes, detail: str = "not JSON", field: str | None = None) -> dict[str, Any]:
    entry = dead_letter(
        Source("t-aggregates", "shardId-000000000001", "4" * 56),
        data,
        use_case="factory",
        stage="persist",
        reason="malformed",
        detail=detail,
        field=field,
        failed_at=AT,
    )
    assert len(entry.data) + len(entry.key) < min(KINESIS_BYTES, FIREHOSE_BYTES)
    letter: dict[str, Any] = json.loads(entry.data)
    return letter


def test_bytes_are_enclosed_as_they_are_up_to_the_limit():
    data = Random(1).randbytes(LETTER_BYTES)
    letter = _letter(data)
    assert base64.b64decode(letter["payload"]) == data
    assert letter["encoding"] is None


def test_more_bytes_than_that_are_compressed_and_the_letter_says_so():
    data = b'{"text":"' + b"abcdefgh" * 130_000 + b'"}'
    letter = _letter(data)
    assert letter["encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(letter["payload"])) == data


def test_bytes_that_cannot_be_enclosed_are_told_by_their_place():
    letter = _letter(Random(1).randbytes(KINESIS_BYTES))
    assert letter["payload"] is None
    assert letter["detail"].startswith("not JSON; its 1048576 bytes do not fit in a dead letter")
    assert letter["source"] == {
        "stream": "t-aggregates",
        "shard": "shardId-000000000001",
        "sequence_number": "4" * 56,
    }


def test_what_is_said_about_a_record_does_not_grow_with_it():
    letter = _letter(b"x" * LETTER_BYTES, detail="columns " * 100_000, field="c" * 2**20)
    assert len(letter["detail"]) == 1_000
    assert len(letter["field"]) == 256


def test_a_repeated_delivery_gives_the_same_letter():
    assert _letter(b"x" * 2**20) == _letter(b"x" * 2**20)
