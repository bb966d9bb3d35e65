"""What could not be delivered becomes dead letters, each record once."""

import base64
import gzip
import json
from datetime import timedelta

import pytest

from lambdas.lake.errors import ReportError
from tests.unit.lambdas.lake.shop import NOW, Shop

# Six decimals: the pipeline reads them, Parquet's converter does not.
FINE = b'{"type":"sale","id":"1","event_id":"e1","at":"2026-03-09T10:00:00.123456Z"}'


def test_a_record_parquet_cannot_take_is_a_dead_letter_with_its_bytes_and_reason() -> None:
    shop = Shop()
    shop.refuse(FINE)
    assert shop.look()["dead_letters"] == 1
    (letter,) = shop.reported()
    assert letter["stage"] == "lake"
    assert letter["reason"] == "malformed"
    assert letter["detail"] == "DataFormatConversion.MalformedData: Data does not match the schema."
    assert base64.b64decode(letter["payload"]) == FINE
    assert letter["event_id"] == "e1"
    assert letter["failed_at"] == "2026-03-09T09:54:21.000Z"
    assert letter["source"] == {"stream": "sales", "shard": None, "sequence_number": "490"}


def test_a_compressed_error_object_is_read() -> None:
    shop = Shop()
    shop.refuse(FINE)
    [key] = (k for k in shop.bucket.stored if "/errors/" in k)
    shop.bucket.stored[key] = gzip.compress(shop.bucket.stored[key])
    assert shop.look()["dead_letters"] == 1


def test_a_record_is_reported_once_however_often_one_looks() -> None:
    shop = Shop()
    shop.refuse(FINE)
    for minute in range(5):
        shop.look(NOW + timedelta(minutes=minute))
    assert len(shop.reported()) == 1


def test_a_lost_memory_gives_the_same_letters() -> None:
    shop = Shop()
    shop.refuse(FINE)
    shop.look()
    del shop.bucket.stored["shop/state/lake.json"]
    shop.look()
    first, second = shop.reported()
    assert first == second


def test_what_the_delivery_could_not_do_is_refused_not_malformed() -> None:
    shop = Shop()
    shop.refuse(FINE, lastErrorCode="DataFormatConversion.EntityNotFound")
    shop.look()
    assert shop.reported()[0]["reason"] == "refused"


def test_a_record_the_pipeline_cannot_decode_is_left_to_the_pipeline() -> None:
    shop = Shop()
    shop.refuse(b"\x00 no json", b'{"id":"1","price":"dear"}', FINE)
    assert shop.look()["dead_letters"] == 1


def test_a_row_that_persist_refuses_is_left_to_persist() -> None:
    shop = Shop()
    shop.refuse(b"no json", record="aggregates")
    assert shop.look()["dead_letters"] == 0


def test_a_poisoned_dead_letter_is_reported_by_the_lake_alone() -> None:
    shop = Shop()
    shop.refuse(b"no json", record="dead_letters")
    shop.look()
    assert shop.reported()[0]["source"]["stream"] == "dead-letters"


def test_letters_that_are_not_stored_are_tried_again_and_others_not() -> None:
    shop = Shop()
    shop.refuse(FINE, name="a")
    shop.refuse(FINE, name="b")
    shop.letters.failing = 1
    with pytest.raises(ReportError, match="1 of 1 dead letters"):
        shop.look()
    shop.look()
    assert len(shop.reported()) == 2


def test_a_large_object_is_reported_in_parts_where_time_runs_out() -> None:
    shop = Shop()
    shop.refuse(*[FINE] * 600)
    left = iter([True, True, True, False, False])
    assert shop.look(more=lambda: next(left))["dead_letters"] == 500
    assert shop.look()["dead_letters"] == 100
    assert len({letter["id"] for letter in shop.reported()}) == 600


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("processing-failed", "errorCode", "errorMessage"),
        ("format-conversion-failed", "ErrorCode", "ErrorMessage"),
        ("format-conversion-failed", "lastErrorCode", "lastErrorMessage"),
    ],
)
def test_code_and_message_are_found_in_each_spelling_of_firehose(
    kind: str, code: str, message: str
) -> None:
    shop = Shop()
    line = {code: "500", message: "boom", "rawData": base64.b64encode(FINE).decode()}
    key = f"shop/errors/sales/{kind}/date=2026-03-09/hour=10/p"
    shop.bucket.stored[key] = json.dumps(line).encode()
    shop.look()
    (letter,) = shop.reported()
    assert (letter["reason"], letter["detail"]) == ("refused", "500: boom")
    assert letter["source"]["sequence_number"] == "p#0"


def test_a_line_that_cannot_be_read_is_kept_as_it_is() -> None:
    shop = Shop()
    key = "shop/errors/sales/format-conversion-failed/date=2026-03-09/hour=10/x"
    shop.bucket.stored[key] = FINE.replace(b"sale", b"sales")
    shop.look()
    (letter,) = shop.reported()
    assert "cannot be read" in letter["detail"]
    assert b'"type":"sales"' in base64.b64decode(letter["payload"])
