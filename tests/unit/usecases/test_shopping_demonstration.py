"""The customer of `make demo`: the events are one business event, which the rule lets pass."""

from datetime import UTC, datetime

from glue.instants import parse, to_millis
from tests.unit.lambdas.definitions.memory import Door
from usecases.shopping import demonstration
from usecases.shopping.generator import Expected

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_its_events_are_one_business_event_that_the_last_of_them_names():
    events, expected = demonstration.events(AT, "ada"), Expected()
    (found,) = [row for e in events for row in expected.take(_millis(e), e)]
    assert found["kind"] == demonstration.KIND
    assert found["trace_id"] == events[-1]["event_id"]
    assert (found["balance"], found["count"]) == (150.0, 5)
    assert [
        row for e in demonstration.others(AT, "ada") for row in expected.take(_millis(e), e)
    ] == []


def test_its_rule_lets_the_customer_pass_and_no_other_and_the_message_is_filled():
    door = Door()
    for kind, name, document in demonstration.DEFINITIONS:
        assert door.call("PUT", f"/{kind}/{name}", document).status_code == 201
    event = {"balance": 150.0}
    profiles = [{"segment": demonstration.SEGMENT}, {"segment": "private"}, {}]
    tried = {"events": [{"event": event, "profile": profile} for profile in profiles]}
    results = door.call("POST", f"/rule/{demonstration.NAME}/test", tried).json()["results"]
    assert [r["result"] for r in results] == [True, False, False]
    filled = door.call("POST", f"/template/{demonstration.NAME}/test", tried).json()["results"][0]
    assert filled["result"]["message"] == "150.00 left. Shall we transfer 100.00?"


def _millis(event):
    return to_millis(parse(event["occurred_at"]))
