"""Sending: batches, retries and an exact count, against an API played by a function."""

import uuid

import httpx
import orjson
import pytest
from fastapi.testclient import TestClient

import usecases
from glue.limits import BODY_BYTES
from lambdas.ingest.app import create_app
from sdpctl.sending import Line, Sender, Tally, Types, batches, read_lines, send_all
from tests.unit.lambdas.ingest.gateway import NOW, Memory

URL = "https://api.example/events"


def _lines(request: httpx.Request) -> list[dict]:
    return [orjson.loads(line) for line in request.content.split(b"\n")]


def _accept(request: httpx.Request) -> httpx.Response:
    count = len(_lines(request))
    return httpx.Response(202, json={"accepted": count, "rejected": 0, "results": []})


def _send(handler, source, **options):
    waits: list[float] = []
    client = httpx.Client(transport=httpx.MockTransport(handler))
    arguments = {"workers": 2, "rate": None, "progress": lambda tally: None} | options
    tally = send_all(Sender(client, URL, waits.append), source, **arguments)
    return tally, waits


def _events(count):
    return [orjson.dumps({"type": "click", "tx_id": f"t{n}", "event_id": f"e{n}"}) + b"\n"
            for n in range(count)]  # fmt: skip


def test_every_line_is_sent_once_in_batches_of_up_to_500():
    sizes = []

    def api(request):
        sizes.append(len(_lines(request)))
        return _accept(request)

    tally, _ = _send(api, _events(1201))
    assert (tally.accepted, tally.rejected) == (1201, 0)
    assert sorted(sizes) == [201, 500, 500]


def test_throttling_is_waited_out_as_the_api_says():
    answers = iter([429, 503, 202])

    def api(request):
        status = next(answers)
        if status == 202:
            return _accept(request)
        return httpx.Response(status, headers={"retry-after": "3"})

    tally, waits = _send(api, _events(2), workers=1)
    assert (tally.accepted, tally.retries, waits) == (2, 2, [3.0, 3.0])


def test_a_lost_connection_is_repeated_with_the_same_event_ids():
    bodies = []

    def api(request):
        bodies.append(_lines(request))
        if len(bodies) == 1:
            raise httpx.ReadError("gone")
        return _accept(request)

    tally, _ = _send(api, [b'{"type":"click","tx_id":"a"}'], workers=1)
    assert tally.accepted == 1
    assert bodies[0] == bodies[1]
    assert bodies[0][0]["event_id"]


def test_lines_that_are_no_object_are_rejected_by_number_and_the_rest_is_sent():
    tally, _ = _send(_accept, [b"{oops\n", b"\n", b"[1]\n", *_events(1)])
    assert (tally.accepted, tally.rejected) == (1, 2)
    assert [r.line for r in tally.shown] == [1, 3]


def test_a_rejected_record_is_reported_by_the_line_it_came_from():
    def api(request):
        error = {"code": "out_of_range", "field": "/win_price", "message": "below 0"}
        results = [
            {"index": 0, "status": "accepted", "event_id": "e0"},
            {"index": 1, "status": "rejected", "error": error},
        ]
        return httpx.Response(207, json={"accepted": 1, "rejected": 1, "results": results})

    tally, _ = _send(api, [b"\n", *_events(2)])
    assert (tally.accepted, tally.rejected) == (1, 1)
    found = tally.shown[0]
    assert (found.line, found.field, found.message) == (3, "/win_price", "below 0")


def test_a_key_given_twice_is_refused_by_its_line_whatever_send_adds():
    """A command that wrote the parsed line would send one of the two values: counted wrongly."""
    app = create_app(catalog=usecases.load(("adtech",)), stream=Memory(), clock=lambda: NOW)
    lines = [
        b'{"type":"click","tx_id":"a","event_id":"e1"}\n',
        b'{"type":"click","tx_id":"a","tx_id":"b","event_id":"e2"}\n',
        b'{"type":"click","tx_id":"a","tx_id":"b"}\n',
        b'{"type":"click","tx_id":"a","event_id":null,"event_id":"e3"}\n',
        b'{"type":"click","tx_id":"a","event_id":"e4","event_id":null}\n',
    ]
    sender = Sender(TestClient(app, headers={"x-api-key": "k"}), "/events")
    tally = send_all(sender, lines, workers=1, rate=None, progress=lambda tally: None)
    assert (tally.accepted, tally.rejected) == (1, 4)
    assert [(r.line, r.field) for r in tally.shown] == [
        (2, "/tx_id"), (3, "/tx_id"), (4, "/event_id"), (5, "/event_id")
    ]  # fmt: skip
    assert {r.message.partition(" is repeated")[1] for r in tally.shown} == {" is repeated"}


def test_a_batch_has_no_more_bytes_than_a_request_may_have():
    bodies = []

    def api(request):
        bodies.append(len(request.content))
        return _accept(request)

    large = [orjson.dumps({"event_id": f"e{n}", "text": "x" * 100_000}) for n in range(100)]
    tally, _ = _send(api, large)
    assert (tally.accepted, tally.retries) == (100, 0)
    assert len(bodies) == 3
    assert max(bodies) <= BODY_BYTES


def test_a_line_that_is_larger_than_a_request_is_sent_alone():
    lines = [Line(n, b"x" * length) for n, length in enumerate([5, 30, 5, 5])]
    assert [len(batch) for batch in batches(lines, 500, 12)] == [1, 1, 2]


def test_a_batch_that_is_too_large_is_halved():
    def api(request):
        return _accept(request) if len(_lines(request)) <= 3 else httpx.Response(413)

    tally, _ = _send(api, _events(8))
    assert (tally.accepted, tally.rejected) == (8, 0)


def test_an_answer_without_results_rejects_the_batch_with_its_detail():
    def api(request):
        return httpx.Response(403, json={"message": "Forbidden"})

    tally, _ = _send(api, _events(20))
    assert (tally.accepted, tally.rejected, len(tally.shown)) == (0, 20, 10)
    assert tally.shown[0].message == "403: Forbidden"


def test_an_api_that_stays_away_leaves_lines_unanswered_and_rejects_none():
    def api(request):
        raise httpx.ConnectError("refused")

    tally, waits = _send(api, _events(1))
    assert (tally.accepted, tally.rejected, tally.unanswered, len(waits)) == (0, 0, 1, 7)
    assert tally.cause == "ConnectError: refused"


def test_an_answer_that_tells_of_no_line_leaves_all_of_them_unanswered():
    def api(request):
        return httpx.Response(503, json={"message": "Service Unavailable"})

    tally, _ = _send(api, [b"{oops\n", *_events(700)])
    assert (tally.accepted, tally.rejected, tally.unanswered) == (0, 1, 700)
    assert tally.cause == "503: Service Unavailable"


def test_only_lines_still_without_an_answer_are_counted_as_unanswered():
    answers = iter([True])

    def api(request):
        if not next(answers, False):
            raise httpx.ReadTimeout("slow")
        results = [
            {"index": 0, "status": "accepted", "event_id": "e0"},
            {"index": 1, "status": "rejected", "error": {"code": "unavailable"}},
        ]
        return httpx.Response(207, json={"accepted": 1, "rejected": 1, "results": results})

    tally, _ = _send(api, _events(2), workers=1)
    assert (tally.accepted, tally.rejected, tally.unanswered) == (1, 0, 1)


def test_batches_keep_the_order_of_the_lines():
    lines = [Line(n, b"{}") for n in range(5)]
    assert [[line.number for line in b] for b in batches(lines, 2)] == [[0, 1], [2, 3], [4]]


def test_an_event_id_that_is_there_is_sent_as_it_is():
    (line,) = read_lines([b'{"event_id": "mine",  "n": 1.0}'], Tally())
    assert line.body == b'{"event_id": "mine",  "n": 1.0}'


@pytest.mark.parametrize(
    ("sent", "rest"),
    [
        (b'{ "a":9007199254740993.0 }', b'"a":9007199254740993.0 }'),
        (b'{"a":18446744073709551616}', b'"a":18446744073709551616}'),
        (b'{"a":1,"a":2}', b'"a":1,"a":2}'),
        (b'{"a":"\\u00e9"}', b'"a":"\\u00e9"}'),
        (b"{}", b"}"),
    ],
)
def test_a_line_without_an_event_id_is_given_one_and_nothing_else_is_changed(sent, rest):
    (line,) = read_lines([sent], Tally())
    assert uuid.UUID(orjson.loads(line.body)["event_id"])
    assert line.body.endswith(rest)


def test_a_null_event_id_is_filled_in_so_that_a_repetition_counts_once():
    (line,) = read_lines([b'{"domain":"\\"event_id\\":null", "event_id" : null, "n":1e3}'], Tally())
    assert line.body.startswith(b'{"domain":"\\"event_id\\":null", "event_id" : "')
    assert uuid.UUID(orjson.loads(line.body)["event_id"])
    assert line.body.endswith(b', "n":1e3}')


def test_a_byte_order_mark_costs_no_line():
    source = [b"\xef\xbb\xbf" + event for event in _events(2)] + [b"\xef\xbb\xbf\n"]
    tally, _ = _send(_accept, source)
    assert (tally.accepted, tally.rejected) == (2, 0)


def test_every_refused_line_is_kept_with_its_record_and_reason():
    def api(request):
        error = {"code": "x", "field": "/a", "message": "wrong"}
        count = len(_lines(request))
        results = [{"index": n, "status": "rejected", "error": error} for n in range(count)]
        return httpx.Response(400, json={"accepted": 0, "rejected": count, "results": results})

    kept = []
    tally, _ = _send(api, [b"{oops\n", *_events(1200)], keep=kept.append)
    assert (tally.rejected, len(tally.shown)) == (1201, 10)
    assert sorted(r.line for r in kept) == list(range(1, 1202))
    found = {r.line: r for r in kept}
    assert (found[1].record, found[1].message[:8]) == (b"{oops", "not JSON")
    assert (found[2].record, found[2].field) == (_events(1)[0].strip(), "/a")


def test_warnings_of_accepted_lines_are_summed():
    def api(request):
        count = len(_lines(request))
        warning = {"code": "old", "field": "/occurred_at", "message": "is old"}
        results = [{"index": n, "status": "accepted", "warning": warning} for n in range(count)]
        return httpx.Response(202, json={"accepted": count, "rejected": 0, "results": results})

    tally, _ = _send(api, _events(700))
    assert (tally.accepted, dict(tally.warnings)) == (700, {"is old": 700})


def test_records_that_could_not_be_stored_are_sent_again_alone():
    bodies = []

    def api(request):
        bodies.append(_lines(request))
        if len(bodies) > 1:
            return _accept(request)
        results = [
            {"index": 0, "status": "accepted", "event_id": "e0"},
            {"index": 1, "status": "rejected", "error": {"code": "unavailable"}},
            {"index": 2, "status": "rejected", "error": {"code": "missing_field"}},
        ]
        return httpx.Response(207, json={"accepted": 1, "rejected": 2, "results": results})

    tally, _ = _send(api, _events(3))
    assert [event["event_id"] for event in bodies[1]] == ["e1"]
    assert (tally.accepted, tally.rejected, tally.retries) == (2, 1, 1)
    assert [r.line for r in tally.shown] == [3]


def test_a_line_of_another_use_case_is_rejected_by_its_number_and_not_sent():
    tally = Tally()
    source = [b'{"type":"bid"}', b'{"type":"sale"}', b'{"price":1}', b'{"type":["bid"]}']
    lines = list(read_lines(source, tally, Types("shop", ("sale", "sell"))))
    assert [line.number for line in lines] == [2, 3], "a line without a type is left to the API"
    assert [(r.line, r.field) for r in tally.shown] == [(1, "/type"), (4, "/type")]
    assert tally.shown[0].message == (
        "'bid' is not an event of the use case shop; its events: sale, sell"
    )
