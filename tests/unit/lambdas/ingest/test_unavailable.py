"""Never a success answer for a record that is not stored."""

from lambdas.ports.stream import Entry
from tests.unit.lambdas.ingest.gateway import Gateway


def test_a_record_the_stream_did_not_take_is_rejected_in_its_place(gateway: Gateway) -> None:
    gateway.stream.fails = lambda entry: "Throttled" if entry.key == "b" else None
    answer = gateway.post("/click", [{"tx_id": "a"}, {"tx_id": 5}, {"tx_id": "b"}])
    assert (answer.status, answer.body["accepted"]) == (207, 1)
    assert answer.headers["retry-after"] == "1"
    assert answer.body["results"][2]["error"]["code"] == "unavailable"
    assert answer.body["results"][1]["error"]["code"] == "wrong_type"


def test_when_nothing_was_stored_the_service_is_unavailable(gateway: Gateway) -> None:
    gateway.stream.fails = lambda entry: "Throttled"
    answer = gateway.post("/click", {"tx_id": "a"})
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.error["code"] == "unavailable"
    assert "Throttled" in answer.error["message"]


def test_a_fault_is_a_problem_document_that_does_not_give_its_cause(gateway: Gateway) -> None:
    def fault(entry: Entry) -> str | None:
        raise RuntimeError("secret")

    gateway.stream.fails = fault
    answer = gateway.post("/click", {"tx_id": "a"})
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "secret" not in answer.body["detail"]
