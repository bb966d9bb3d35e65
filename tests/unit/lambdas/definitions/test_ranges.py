"""A test over a range: each event as the stream decides it; nothing is left out silently."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from glue.instants import from_millis, to_wire
from lambdas.definitions import ranges, trying
from tests.unit.lambdas.definitions.memory import NOW, Door

START = datetime.fromtimestamp(NOW / 1000, UTC)
RULE = {"kind_of_event": "shopping", "expression": "event.balance < 200.0"}
COUNTS = ("passed", "not_passed", "errors", "differing", "without_profile", "undecided")


@pytest.fixture
def door():
    return Door()


def add(door, number, minute, profile=None, **fields):
    """A business event, decided by that profile."""
    row = {"id": f"e{number}", "kind": "shopping", "subject": "c", "count": 5}
    row |= {"occurred_at": START + timedelta(minutes=minute), "causes": "[]", "trace_id": "t"}
    door.events.rows.append(row | fields)
    if profile is not None:
        door.events.profiles[row["id"]] = profile


def tried(door, definition=None, path="/rule/x", hours=1):
    sent = {"from": to_wire(START), "to": to_wire(START + timedelta(hours=hours))}
    if definition:
        sent["definition"] = definition
    response = door.call("POST", f"{path}/test", sent)
    assert response.status_code == 200, response.text
    return response.json()


def counts(answer):
    return tuple(answer[name] for name in COUNTS)


def test_each_is_compared_with_the_version_in_force_at_its_own_time(door):
    door.call("PUT", "/rule/x", RULE)  # valid 15 seconds later
    later = to_wire(from_millis(NOW + 30 * 60_000))
    second = {**RULE, "expression": "event.balance < 100.0", "valid_from": later}
    door.call("PUT", "/rule/x", second)
    door.call("DELETE", f"/rule/x?valid_from={to_wire(from_millis(NOW + 40 * 60_000))}")
    for number, minute in enumerate((0, 1, 29, 30, 31, 39, 40, 41)):
        add(door, number, minute, balance=150.0)
    answer = tried(door, {**RULE, "expression": "event.balance < 160.0"})
    assert counts(answer) == (8, 0, 0, 6, 8, 0)
    assert (answer["events"], answer["tested"], answer["complete"]) == (8, 8, True)
    in_force = {e["id"]: (e["in_force"] or {}).get("version") for e in answer["examples"]}
    assert in_force == {"e0": None, "e3": 2, "e4": 2, "e5": 2, "e6": None, "e7": None}
    assert answer["examples"][-2]["in_force"] == {"version": 2, "mode": "live", "result": False}


def test_a_rule_sees_the_profile_by_which_each_was_decided(door):
    """A customer changes their profile between two events; before the first there is none."""
    add(door, 0, 1, None, balance=150.0)
    add(door, 1, 2, {"customer_id": "k", "segment": "demo"}, balance=150.0)
    add(door, 2, 3, {"customer_id": "k", "segment": "other", "age": 20}, balance=150.0)
    add(door, 3, 4, {"customer_id": "k"}, balance=150.0)
    guarded = {
        **RULE,
        "expression": 'has(profile.segment) && profile.segment == "demo" || has(profile.age)',
    }
    answer = tried(door, guarded)
    assert counts(answer) == (2, 2, 0, 4, 1, 0)
    shown = {e["id"]: (e["profile_id"], e["result"]) for e in answer["examples"]}
    assert shown == {
        "e0": (None, False),
        "e1": ("profile of e1", True),
        "e2": ("profile of e2", True),
        "e3": ("profile of e3", False),
    }
    # Without has there is no result where the stream has none.
    answer = tried(door, {**RULE, "expression": "profile.age >= 18"})
    assert counts(answer) == (1, 0, 3, 4, 1, 0)
    assert all("age" in e["error"] for e in answer["examples"] if e["id"] != "e2")


def test_a_template_is_filled_with_the_profile(door):
    add(door, 0, 1, {"customer_id": "k", "segment": "demo"}, balance=150.0)
    template = {"kind_of_event": "shopping", "channel": "push", "title": "{{ profile.segment }}"}
    answer = tried(door, template | {"message": "{{ event.balance }}"}, path="/template/x")
    (example,) = answer["examples"]
    assert example["result"] == {"title": "demo", "message": "150.00"}


def test_the_newest_version_is_tested_without_a_definition(door):
    door.call("PUT", "/rule/x", RULE)
    add(door, 0, 1, balance=150.0)
    add(door, 1, 2, balance=250.0)
    assert counts(tried(door)) == (1, 1, 0, 0, 2, 0)


def test_a_version_about_another_kind_of_event_decides_nothing_about_these(door):
    stuck = {"kind_of_event": "stuck_in_form", "expression": "true"}
    door.call("PUT", "/rule/x", stuck)
    add(door, 0, 1, balance=150.0)
    answer = tried(door, RULE)
    assert counts(answer) == (1, 0, 0, 1, 1, 0)
    assert answer["examples"][0]["in_force"] is None


def test_what_the_lake_does_not_tell_the_decision_of_is_not_tested_and_said(door):
    for number in range(3):
        add(door, number, number, balance=150.0)
    door.events.unknown = {"e1"}
    answer = tried(door, RULE)
    assert counts(answer) == (2, 0, 0, 2, 2, 1)
    assert (answer["events"], answer["tested"], answer["complete"]) == (3, 2, False)
    (note,) = answer["notes"]
    assert note.startswith("1 were not tested") and "profile" in note


def test_what_is_beyond_the_limits_is_said(door, monkeypatch):
    monkeypatch.setattr(trying, "MAX_EVENTS", 25)
    monkeypatch.setattr(ranges, "MAX_EVENTS", 25)
    for number in range(30):
        add(door, number, number, balance=150.0)
    answer = tried(door, RULE)
    assert counts(answer) == (25, 0, 0, 25, 25, 0)
    assert (answer["events"], answer["tested"], answer["complete"]) == (30, 25, False)
    assert answer["oldest_tested"] == to_wire(START + timedelta(minutes=5))
    assert [e["id"] for e in answer["examples"]] == [f"e{n}" for n in range(29, 9, -1)]
    cut, shown = answer["notes"]
    assert cut.startswith("only the newest 25 of 30") and "at most 25" in cut and "shorter" in cut
    assert shown == "20 of the 25 that differ are examples"


def test_what_cannot_be_tested_before_the_gateway_gives_up_is_said(door):
    """One second for each event, after four for all versions and the lake."""
    for number in range(30):
        add(door, number, number, balance=150.0)
    door.seconds = itertools.chain([0.0], itertools.count(4.0))
    answer = tried(door, RULE)
    assert (answer["events"], answer["tested"], answer["complete"]) == (30, 19, False)
    assert "newest 19 of 30" in answer["notes"][0] and "22 seconds" in answer["notes"][0]


def test_an_empty_range_is_complete(door):
    answer = tried(door, RULE)
    assert counts(answer) == (0,) * 6
    assert answer["complete"] and answer["notes"] == [] and answer["oldest_tested"] is None
