"""What is accepted, how it is answered, and what is stored of it."""

import json

import pytest

from tests.unit.lambdas.ingest.gateway import BID, Gateway


def test_a_record_is_stored_with_its_envelope_under_its_key(gateway: Gateway) -> None:
    answer = gateway.post("/bid", {**BID, "event_id": "e1", "win_price": 5})
    assert answer.status == 202
    accepted = {"index": 0, "status": "accepted", "event_id": "e1"}
    assert answer.body == {"accepted": 1, "rejected": 0, "results": [accepted]}
    ((stream, entry),) = gateway.stream.entries
    assert (stream, entry.key, entry.hash_key) == ("adtech/bcns", "t1", None)
    stored = json.loads(entry.data)
    assert stored.pop("receipt") >= 0
    assert stored == {
        **BID,
        "win_price": 5,
        "type": "bid",
        "event_id": "e1",
        "occurred_at": "2026-11-21T10:00:00.000Z",
        "received_at": "2026-11-21T10:00:00.000Z",
    }


def test_a_record_without_an_id_is_given_one(gateway: Gateway) -> None:
    answer = gateway.post("/click", [{"tx_id": "a"}, {"tx_id": "b"}])
    given = [result["event_id"] for result in answer.body["results"]]
    assert [record["event_id"] for record in gateway.stream.records] == given
    assert len(set(given)) == 2


@pytest.mark.parametrize("path", ["/imp", "/impression"])
@pytest.mark.parametrize("sent", [{}, {"type": "imp"}, {"type": "impression"}])
def test_each_name_of_an_event_means_its_type(
    gateway: Gateway, path: str, sent: dict[str, str]
) -> None:
    assert gateway.post(path, {"tx_id": "t", "win_price": 1, **sent}).status == 202
    assert gateway.stream.records[0]["type"] == "imp"


def test_mixed_events_are_told_apart_by_type(gateway: Gateway) -> None:
    sent = [{"type": "bid", **BID}, {"type": "impression", "tx_id": "t", "win_price": 1}]
    assert gateway.post("/events", [*sent, {"type": "click", "tx_id": "t"}]).status == 202
    assert [record["type"] for record in gateway.stream.records] == ["bid", "imp", "click"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-21T09:00:00Z", "2026-11-21T09:00:00.000Z"),
        ("2026-11-21T11:00:00.123456+02:00", "2026-11-21T09:00:00.123Z"),
        ("2026-11-21t09:00:00z", "2026-11-21T09:00:00.000Z"),
        (1795251600000, "2026-11-21T09:00:00.000Z"),
        ("2026-11-21T10:05:00Z", "2026-11-21T10:05:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1795251600000.0, "2026-11-21T09:00:00.000Z"),
        ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.250Z"),
        (None, "2026-11-21T10:00:00.000Z"),
    ],
)
def test_a_time_is_stored_in_utc_with_milliseconds(
    gateway: Gateway, sent: object, stored: str
) -> None:
    assert gateway.post("/click", {"tx_id": "t", "occurred_at": sent}).status == 202
    assert gateway.stream.records[0]["occurred_at"] == stored


def test_nulls_are_as_absent(gateway: Gateway) -> None:
    assert gateway.post("/bid", {**BID, "domain": None}).status == 202
    assert "domain" not in gateway.stream.records[0]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-ndjson",
        "Application/NDJSON;charset=UTF-8",
        'application/jsonl; charset="utf8"',
        "application/x-ndjson ; CHARSET = utf8 ; version=1",
    ],
)
def test_ndjson_is_one_record_a_line_and_blank_lines_are_none(
    gateway: Gateway, content_type: str
) -> None:
    body = '\n{"tx_id":"a"}\r\n\n{"tx_id":"b"}\n'
    answer = gateway.post("/click", body, content_type)
    assert (answer.status, answer.body["accepted"]) == (202, 2)


@pytest.mark.parametrize("as_text", [True, False])
def test_text_and_base64_bodies_are_the_same(gateway: Gateway, as_text: bool) -> None:
    body = '{"tx_id":"größe-😀"}'
    assert gateway.post("/click", body if as_text else body.encode()).status == 202
    assert gateway.stream.entries[0][1].key == "größe-😀"


def test_escapes_and_spaces_are_no_flaws(gateway: Gateway) -> None:
    body = '{ "tx_id" : "a\\"b\\\\u0000" , "event_id":"caf\\u00e9" }'
    assert gateway.post("/click", body).status == 202
    (record,) = gateway.stream.records
    assert (record["tx_id"], record["event_id"]) == ('a"b\\u0000', "café")


def test_five_hundred_records_are_one_request(gateway: Gateway) -> None:
    answer = gateway.post("/click", [{"tx_id": str(n)} for n in range(500)])
    assert (answer.status, answer.body["accepted"]) == (202, 500)


def test_the_whole_64_bit_range_of_integers_is_kept_exactly(gateway: Gateway) -> None:
    assert gateway.post("/bid", {**BID, "campaign_item_id": 2**63 - 1}).status == 202
    assert gateway.stream.records[0]["campaign_item_id"] == 2**63 - 1


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("77.0", 77),
        ("1e3", 1000),
        ("12.5e1", 125),
        ("-0.0", 0),
        ("9007199254740993.0", 9007199254740993),
        ("900719925474099.3e1", 9007199254740993),
        ("9223372036854775807.0", 9223372036854775807),
    ],
)
def test_an_integer_may_be_written_with_a_fraction_or_an_exponent(
    gateway: Gateway, written: str, stored: int, content_type: str
) -> None:
    body = f'{{"tx_id":"t","app_uid":"a","campaign_item_id":{written}}}'
    assert gateway.post("/bid", body, content_type).status == 202
    assert b'"campaign_item_id":%d,' % stored in gateway.stream.entries[0][1].data


def test_each_record_of_an_array_is_read_exactly(gateway: Gateway) -> None:
    body = '[{"tx_id":"a","win_price":1},{"tx_id":"b","win_price":2.0}]'
    assert gateway.post("/imp", body).status == 202
    assert [record["win_price"] for record in gateway.stream.records] == [1, 2]


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_a_byte_order_mark_costs_no_record(gateway: Gateway, content_type: str) -> None:
    body = b'\xef\xbb\xbf{"tx_id":"a","event_id":"e\\n1"}\n'
    assert gateway.post("/click", body, content_type).status == 202
    assert gateway.stream.records[0]["tx_id"] == "a"


def test_byte_order_marks_of_joined_files_cost_no_record(gateway: Gateway) -> None:
    body = b'\xef\xbb\xbf{"tx_id":"a"}\n\xef\xbb\xbf{"tx_id":"b"}\n\xef\xbb\xbf\n'
    assert gateway.post("/click", body, "application/x-ndjson").body["accepted"] == 2


def test_a_record_older_than_the_allowed_lateness_is_accepted_with_a_warning() -> None:
    gateway = Gateway(AllowedLateness="PT1M")
    times = ["2026-11-21T09:59:00Z", "2026-11-21T09:58:59.999Z", None]
    sent = [{"tx_id": "t", "occurred_at": time} for time in times]
    answer = gateway.post("/click", sent)
    assert (answer.status, answer.body["accepted"]) == (202, 3)
    warnings = [result.get("warning") for result in answer.body["results"]]
    assert (warnings[0], warnings[2]) == (None, None)
    assert (warnings[1]["code"], warnings[1]["field"]) == ("late", "/occurred_at")
    assert "AllowedLateness (PT1M)" in warnings[1]["message"]
