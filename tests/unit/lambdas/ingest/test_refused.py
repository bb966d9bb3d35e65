"""Bad input, one test each: status, code, pointer; and nothing of it is stored."""

import gzip
import json
from typing import Any

import pytest

from glue.limits import BODY_BYTES
from tests.unit.lambdas.ingest.gateway import BID, Gateway

RECORDS: dict[str, tuple[Any, str, str]] = {
    "a missing field": ({"app_uid": "a", "campaign_item_id": 1}, "missing_field", "/tx_id"),
    "an unknown field": ({**BID, "colour": 1}, "unknown_field", "/colour"),
    "a pointer to escape": ({**BID, "a/b~c": 1}, "unknown_field", "/a~1b~0c"),
    "our own field": ({**BID, "received_at": "x"}, "unknown_field", "/received_at"),
    "text for an integer": ({**BID, "win_price": "5"}, "wrong_type", "/win_price"),
    "a fraction for an integer": ({**BID, "win_price": 5.5}, "wrong_type", "/win_price"),
    "a boolean for an integer": ({**BID, "win_price": True}, "wrong_type", "/win_price"),
    "an integer for text": ({**BID, "domain": 5}, "wrong_type", "/domain"),
    "a list for text": ({**BID, "domain": ["x"]}, "wrong_type", "/domain"),
    "null for a required field": ({**BID, "tx_id": None}, "wrong_type", "/tx_id"),
    "a negative price": ({**BID, "win_price": -1}, "out_of_range", "/win_price"),
    "2^63": ({**BID, "win_price": 2**63}, "out_of_range", "/win_price"),
    "2^64": ({**BID, "win_price": 2**64}, "out_of_range", "/win_price"),
    "-2^80": ({**BID, "win_price": -(2**80)}, "out_of_range", "/win_price"),
    "an empty key": ({**BID, "tx_id": ""}, "too_short", "/tx_id"),
    "300 KB of text": ({**BID, "domain": "x" * 300_000}, "too_long", "/domain"),
    "a long event_id": ({**BID, "event_id": "x" * 129}, "too_long", "/event_id"),
    "an empty event_id": ({**BID, "event_id": ""}, "too_short", "/event_id"),
    "an integer event_id": ({**BID, "event_id": 5}, "wrong_type", "/event_id"),
    "another event's type": ({**BID, "type": "click"}, "type_mismatch", "/type"),
    "NUL in text": ({**BID, "domain": "a\0b"}, "malformed", "/domain"),
    "NUL in a name": ({**BID, "a\0": 1}, "malformed", ""),
    "a number": (5, "wrong_type", ""),
    "a list": ([[]], "wrong_type", ""),
    "null": (None, "wrong_type", ""),
}
TIMES: dict[str, tuple[Any, str]] = {
    "5 minutes and 1 ms ahead": ("2026-11-21T10:05:00.001Z", "in_future"),
    "the year 9999": ("9999-12-31T23:59:59Z", "in_future"),
    "no offset": ("2026-11-21T10:00:00", "invalid_time"),
    "a date": ("2026-11-21", "invalid_time"),
    "a week date": ("2026-W47-6T10:00:00Z", "invalid_time"),
    "other digits": ("\uff12026-11-21T10:00:00Z", "invalid_time"),
    "no such day": ("2026-02-30T10:00:00Z", "invalid_time"),
    "no such instant in UTC": ("0001-01-01T00:00:00+14:00", "invalid_time"),
    "before 1970": ("1969-12-31T23:59:59Z", "invalid_time"),
    "negative milliseconds": (-1, "invalid_time"),
    "beyond all calendars": (2**62, "invalid_time"),
    "a fraction": (1.5, "invalid_time"),
    "epoch seconds": (1795251600, "invalid_time"),
    "epoch seconds with a fraction": (1795251600.25, "invalid_time"),
    "an offset of 60 minutes": ("2026-11-21T10:00:00+05:60", "invalid_time"),
    "an offset of 24 hours": ("2026-11-21T10:00:00-24:00", "invalid_time"),
    "a leap second at noon": ("2026-11-21T12:00:60Z", "invalid_time"),
    "a boolean": (True, "invalid_time"),
    "an object": ({"a": 1}, "invalid_time"),
}
TEXTS: dict[str, tuple[str, str, str]] = {
    "a key twice": ('{"tx_id":"a","tx_id":"b"}', "duplicate_field", "/tx_id"),
    "a key twice, once escaped": ('{"tx_id":"a","tx\\u005fid":"b"}', "duplicate_field", "/tx_id"),
    "a key twice, further in": ('{"tx_id":{"a":1,"a":2}}', "duplicate_field", "/tx_id/a"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_bad_record(gateway: Gateway, name: str) -> None:
    record, code, field = RECORDS[name]
    answer = gateway.post("/bid", [record])
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (400, 0, 1)
    assert (answer.error["code"], answer.error["field"]) == (code, field)
    assert answer.error["message"]
    assert len(json.dumps(answer.body)) < 1000
    assert gateway.stream.entries == []


@pytest.mark.parametrize("name", TIMES)
def test_a_bad_time(gateway: Gateway, name: str) -> None:
    sent, code = TIMES[name]
    answer = gateway.post("/bid", {**BID, "occurred_at": sent})
    assert (answer.status, answer.error["code"]) == (400, code)
    assert answer.error["field"] == "/occurred_at"
    assert gateway.stream.entries == []


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_a_key_given_twice(gateway: Gateway, name: str, content_type: str) -> None:
    text, code, field = TEXTS[name]
    answer = gateway.post("/click", text, content_type)
    assert (answer.status, answer.error["code"], answer.error["field"]) == (400, code, field)


def test_a_message_names_the_value_and_the_fix(gateway: Gateway) -> None:
    answer = gateway.post("/bid", {**BID, "win_price": -1})
    assert answer.error["message"] == "-1 is too small; send 0 or more"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"tx_id": "t"}, "missing_field"),
        ({"tx_id": "t", "type": "heartbeat"}, "unknown_type"),
        ({"tx_id": "t", "type": 5}, "unknown_type"),
        ({"tx_id": "t", "type": ["bid"]}, "unknown_type"),
        ("bid", "wrong_type"),
    ],
)
def test_a_mixed_record_must_name_an_event(gateway: Gateway, record: Any, code: str) -> None:
    answer = gateway.post("/events", [record])
    assert (answer.status, answer.error["code"]) == (400, code)


def test_good_records_are_accepted_beside_bad_ones(gateway: Gateway) -> None:
    answer = gateway.post("/click", [{"tx_id": "a"}, {"tx_id": 5}, {"tx_id": "b"}])
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (207, 2, 1)
    statuses = [(r["index"], r["status"]) for r in answer.body["results"]]
    assert statuses == [(0, "accepted"), (1, "rejected"), (2, "accepted")]
    assert [record["tx_id"] for record in gateway.stream.records] == ["a", "b"]


def test_a_line_that_is_not_json_is_refused_alone(gateway: Gateway) -> None:
    body = b'{"tx_id":"a"}\n{"tx_id":\n{"tx_id":"\xff"}\n[]\n'
    answer = gateway.post("/click", body, "application/x-ndjson")
    assert answer.status == 207
    codes = [r.get("error", {}).get("code") for r in answer.body["results"]]
    assert codes == [None, "malformed", "malformed", "wrong_type"]


BODIES: dict[str, tuple[Any, int]] = {
    "nothing": ("", 400),
    "blanks": (" \n", 400),
    "an empty array": ("[]", 400),
    "not JSON": ("hello", 400),
    "half an object": ('{"tx_id":', 400),
    "two objects": ('{"tx_id":"a"}{"tx_id":"b"}', 400),
    "a trailing comma": ('[{"tx_id":"a"},]', 400),
    "NaN": ('{"tx_id":NaN}', 400),
    "Infinity": ('{"tx_id":-Infinity}', 400),
    "a number beyond all doubles": ('{"tx_id":1e999}', 400),
    "invalid UTF-8": (b'{"tx_id":"\xff\xfe"}', 400),
    "UTF-16": ('{"tx_id":"a"}'.encode("utf-16"), 400),
    "a lone surrogate": ('{"tx_id":"\\ud800"}', 400),
    "a lone surrogate, raw": ('{"tx_id":"\ud800"}', 400),
    "a raw NUL": ('{"tx_id":"\0"}', 400),
    "5,000 lists in each other": ("[" * 5000 + "]" * 5000, 400),
    "a deep list and an escape": ('{"tx_id":"\\n","x":' + "[" * 1000 + "]" * 1000 + "}", 400),
    "501 records": (json.dumps([{"tx_id": "a"}] * 501), 413),
    "one byte too many": (b" " * (BODY_BYTES + 1), 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_a_problem_document(gateway: Gateway, name: str) -> None:
    body, status = BODIES[name]
    answer = gateway.post("/click", body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert answer.body["detail"]
    assert gateway.stream.entries == []


def test_the_largest_body_is_taken_and_a_larger_one_refused_with_the_limit(
    gateway: Gateway,
) -> None:
    blanks = b" " * (BODY_BYTES - len(b'{"tx_id":"a"}')) + b'{"tx_id":"a"}'
    assert gateway.post("/click", blanks).status == 202
    detail = gateway.post("/click", blanks + b" ").body["detail"]
    assert detail == f"the body has {BODY_BYTES + 1} bytes; send at most {BODY_BYTES}"


def test_501_lines_are_too_many(gateway: Gateway) -> None:
    assert gateway.post("/click", '{"tx_id":"a"}\n' * 501, "application/x-ndjson").status == 413


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json;charset=latin1",
        "application/json;charset=utf-80",
        'application/json; charset="utf-16"',
        "application/json;charset=utf-8;charset=latin1",
    ],
)
def test_another_content_type_is_refused(gateway: Gateway, content_type: str | None) -> None:
    answer = gateway.post("/bid", BID, content_type)
    assert answer.status == 415
    assert "application/x-ndjson" in answer.body["detail"] or "UTF-8" in answer.body["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
def test_a_compressed_body_is_refused_by_its_encoding(gateway: Gateway, encoding: str) -> None:
    body = gzip.compress(json.dumps(BID).encode())
    answer = gateway.post("/bid", body, encoding=encoding)
    assert answer.status == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["accept-encoding"] == "identity"
    expected = f"content encoding {encoding!r} is not supported; send the body unencoded"
    assert answer.body["detail"] == expected
    assert gateway.stream.entries == []


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_an_encoding_that_changes_nothing_is_taken(gateway: Gateway, encoding: str) -> None:
    assert gateway.post("/bid", BID, encoding=encoding).status == 202


def test_unknown_paths_and_methods_are_problem_documents(gateway: Gateway) -> None:
    for answer, status in (
        (gateway.post("/nothing", BID), 404),
        (gateway.post("/events/", BID), 404),
        (gateway.post("/bid/", BID), 404),
        (gateway.request("GET", "/bid"), 405),
    ):
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "name"), [("/bid?dry_run=1", "dry_run"), ("/events?a=1&a=2", "a")]
)
def test_a_query_parameter_is_refused_by_name(gateway: Gateway, path: str, name: str) -> None:
    answer = gateway.post(path, {"type": "bid", **BID})
    assert answer.status == 400
    assert answer.body["detail"] == f"{name}: unknown parameter; this API has no query parameters"
    assert gateway.stream.entries == []


def test_a_price_above_the_largest_amount_is_refused_naming_the_parameter() -> None:
    gateway = Gateway(MaxAmount="1000")
    assert gateway.post("/bid", {**BID, "win_price": 1000}).status == 202
    for record in ({**BID, "win_price": 1001}, {**BID, "win_price": 1001.0}):
        error = gateway.post("/bid", record).error
        assert (error["code"], error["field"]) == ("out_of_range", "/win_price")
        assert error["message"].endswith("too large; send 1000 or less, the deployment's MaxAmount")


NUMBERS = {
    "4.9999999999999999999": ("wrong_type", "5.0 is not an integer; send an integer"),
    "1e-99999999999999999999": ("wrong_type", "0.0 is not an integer; send an integer"),
    "9223372036854775808.0": ("out_of_range", "9223372036854775808 is too large"),
    "1e30": ("out_of_range", "1000000000000000000000000000000 is too large"),
}


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_no_integer_or_too_large_is_judged_as_written(
    gateway: Gateway, number: str, content_type: str
) -> None:
    body = f'{{"tx_id":"t","win_price":{number}}}'
    answer = gateway.post("/imp", body, content_type)
    code, message = NUMBERS[number]
    assert (answer.error["code"], answer.error["field"]) == (code, "/win_price")
    assert answer.error["message"].startswith(message)


@pytest.mark.parametrize("depth", [100, 254, 255, 256, 300, 900, 1000, 1020, 1100])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_any_depth_of_nesting_is_refused(gateway: Gateway, depth: int, content_type: str) -> None:
    body = '{"tx_id":"t","win_price":1.5,"x":' + "[" * depth + "]" * depth + "}"
    assert gateway.post("/imp", body, content_type).status == 400


def test_health_answers_without_a_body(gateway: Gateway) -> None:
    assert gateway.request("GET", "/health").status == 200
    assert gateway.request("HEAD", "/health").status == 200
