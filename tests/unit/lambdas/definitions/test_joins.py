"""The API for joins: what is refused names the field, the value and what to send."""

from typing import Any

import pytest

from tests.unit.lambdas.definitions.memory import Door

JOIN = {"r": "speed", "s": "torque", "distance": "PT1S"}


@pytest.fixture
def door() -> Door:
    return Door("machines")


def test_a_join_is_written_shown_and_ended(door: Door) -> None:
    written = door.call("PUT", "/join/power", {**JOIN, "distance": "PT60S"})
    assert written.status_code == 201
    assert written.json()["definition"] == {**JOIN, "distance": "PT1M"}
    assert door.call("PUT", "/join/heat", {**JOIN, "mode": "live"}).status_code == 201
    assert [d["name"] for d in door.call("GET", "/join").json()["definitions"]] == ["heat", "power"]
    assert door.call("DELETE", "/join/power").json()["ended"]


@pytest.mark.parametrize(
    ("change", "code", "field", "words"),
    [
        ({"r": None}, "missing_field", "/r", "r is missing"),
        ({"r": ""}, "too_short", "/r", "1"),
        ({"s": "x" * 129}, "too_long", "/s", "128"),
        ({"r": 5}, "wrong_type", "/r", "5"),
        ({"s": "speed"}, "not_distinct", "/s", '"speed" is that of r too; send another'),
        ({"distance": "1s"}, "invalid_duration", "/distance", "'1s' is not an ISO 8601 duration"),
        ({"distance": "P1DT1S"}, "invalid_duration", "/distance", "'P1DT1S' is not from PT0S to"),
        ({"distance": "-PT1S"}, "invalid_duration", "/distance", "from PT0S to P1D"),
        ({"distance": "P1M"}, "invalid_duration", "/distance", "'P1M'"),
        ({"distance": "PT0.5S"}, "invalid_duration", "/distance", "'PT0.5S'"),
        ({"delay": "PT1S"}, "unknown_field", "/delay", "distance"),
        ({"mode": "shadow"}, "unknown_mode", "/mode", "a join has no shadow; send live"),
        ({"mode": "dark"}, "unknown_mode", "/mode", "send live"),
    ],
)
def test_what_is_wrong_is_named(
    door: Door, change: dict[str, Any], code: str, field: str, words: str
) -> None:
    sent = {name: value for name, value in {**JOIN, **change}.items() if value is not None}
    refused = door.call("PUT", "/join/power", sent)
    assert refused.status_code == 400, refused.text
    problem = refused.json()
    assert (problem["code"], problem["field"]) == (code, field)
    assert words in problem["detail"]
    assert door.store.versions == []


def test_the_shortest_and_the_longest_distance_are_allowed(door: Door) -> None:
    for distance in ("PT0S", "P1D", "PT24H"):
        assert door.call("PUT", "/join/power", {**JOIN, "distance": distance}).status_code == 201


def test_a_join_has_no_test_and_machines_have_no_rules(door: Door) -> None:
    refused = door.call("POST", "/join/power/test", {"definition": JOIN, "events": [{}]})
    assert refused.status_code == 400
    assert refused.json()["code"] == "nothing_to_test"
    assert "a join has neither expression nor placeholders" in refused.json()["detail"]
    assert "kinds: join" in door.call("PUT", "/rule/x", {}).json()["detail"]
