"""Features at the door: typed when they are written, and safe to use while they are used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glue.instants import from_millis, to_wire
from tests.unit.lambdas.definitions.memory import NOW, Door

SHARE = "event.balance / profile.average_monthly_expenditures"
FEATURE = {"kind_of_event": "shopping", "expression": SHARE}
RULE = {"kind_of_event": "shopping", "expression": "features.share < 0.2"}
TEMPLATE = {
    "kind_of_event": "shopping",
    "channel": "email",
    "title": "Hello",
    "message": "{{ event.balance }} left, {{ features.share }} of a month",
}


@pytest.fixture
def door() -> Door:
    return Door()


def at(hours: float) -> str:
    return to_wire(from_millis(NOW + int(hours * 3_600_000)))


def put(door: Door, kind: str, name: str, sent: dict[str, Any], **more: Any) -> Any:
    response = door.call("PUT", f"/{kind}/{name}", {**sent, **more})
    assert response.status_code == 201, response.text
    return response.json()


def problem(response: Any, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        (SHARE, "double"),
        ("event.count * 2", "int"),
        ("profile.segment", "string"),
        ("has(profile.age) && profile.age < 30", "bool"),
    ],
)
def test_a_feature_has_the_type_of_its_expression(door: Door, expression: str, type_: str) -> None:
    written = put(door, "feature", "x", FEATURE, expression=expression)
    assert written["definition"] == {**FEATURE, "expression": expression, "type": type_}
    assert put(door, "feature", "x", written["definition"])["version"] == 2  # as it is shown
    assert door.store.versions[0].checked


@pytest.mark.parametrize(
    ("change", "code", "field", "words"),
    [
        ({"type": "int"}, "other_type", "/type", "send double, or no type"),
        ({"type": "number"}, "other_type", "/type", '"number" is not the type'),
        (
            {"expression": "event.occurred_at"},
            "invalid_expression",
            "/expression",
            "bool or double",
        ),
        ({"expression": "[1]"}, "invalid_expression", "/expression", "list(int)"),
        ({"expression": "features.x"}, "invalid_expression", "/expression", "event, profile"),
        ({"expression": "event.deviation"}, "invalid_expression", "/expression", "balance, count"),
        ({"expression": ""}, "too_short", "/expression", "1"),
        ({"mode": "shadow"}, "unknown_mode", "/mode", "a feature has no shadow"),
        ({"kind_of_event": "none"}, "unknown_kind", "/kind_of_event", "stuck_in_form"),
        ({"priority": 1}, "unknown_field", "/priority", "type"),
    ],
)
def test_what_is_wrong_with_a_feature_is_named(
    door: Door, change: dict[str, Any], code: str, field: str, words: str
) -> None:
    refused = problem(door.call("PUT", "/feature/x", {**FEATURE, **change}), 400)
    assert (refused["code"], refused["field"]) == (code, field)
    assert words in refused["detail"], refused
    assert door.store.versions == []


@pytest.mark.parametrize("name", ["a-b", "in", "true"])
def test_a_feature_has_a_name_that_an_expression_can_have(door: Door, name: str) -> None:
    refused = problem(door.call("PUT", f"/feature/{name}", FEATURE), 400)
    assert f"features.{name}" in refused["detail"]
    assert refused["parameter"] == "name"


# what names a feature ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("features.other < 1.0", 9, "other is not a feature; those of its business events: share"),
        ("true && has(features.shar)", 12, "those of its business events: share"),
        ("features.page > 1", 9, "those of its business events: share"),  # of other events
        ("features.share < 1", 16, "double, int"),
        ("features", 1, "sdp.features"),
        ("size(features) > 0", 5, "features"),
    ],
)
def test_a_rule_names_features_of_its_own_business_events_by_their_types(
    door: Door, expression: str, column: int, words: str
) -> None:
    put(door, "feature", "share", FEATURE)
    put(door, "feature", "page", {"kind_of_event": "stuck_in_form", "expression": "1"})
    refused = problem(door.call("PUT", "/rule/x", {**RULE, "expression": expression}), 400)
    assert (refused["field"], refused["code"]) == ("/expression", "invalid_expression")
    assert refused["position"]["column"] == column, refused
    assert words in refused["detail"], refused


def test_without_features_the_error_says_so(door: Door) -> None:
    refused = problem(door.call("PUT", "/rule/x", RULE), 400)
    assert "share is not a feature; those of its business events: none yet" in refused["detail"]
    put(door, "feature", "share", FEATURE)
    door.call("DELETE", "/feature/share")
    problem(door.call("PUT", "/rule/x", RULE), 400)
    problem(door.call("PUT", "/template/x", TEMPLATE), 400)


def test_a_planned_feature_may_be_named_and_what_names_it_is_in_its_way(door: Door) -> None:
    put(door, "feature", "share", FEATURE, valid_from=at(5))
    put(door, "rule", "low", RULE)
    put(door, "template", "offer", TEMPLATE)
    refused = problem(door.call("DELETE", f"/feature/share?valid_from={at(6)}"), 409)
    assert refused["used_by"] == ["rule 'low'", "template 'offer'"]
    assert "feature 'share' cannot end: rule 'low', template 'offer' use it" in refused["detail"]
    door.call("DELETE", f"/rule/low?valid_from={at(6)}")
    door.call("DELETE", f"/template/offer?valid_from={at(7)}")
    problem(door.call("DELETE", f"/feature/share?valid_from={at(6)}"), 409)
    assert door.call("DELETE", f"/feature/share?valid_from={at(7)}").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"expression": "event.count"},
        {"expression": "1.0", "kind_of_event": "stuck_in_form"},
    ],
)
def test_a_feature_keeps_its_type_and_events_while_a_rule_in_force_uses_it(
    door: Door, change: dict[str, Any]
) -> None:
    put(door, "feature", "share", FEATURE)
    put(door, "rule", "low", RULE, mode="shadow")
    refused = problem(door.call("PUT", "/feature/share", {**FEATURE, **change}), 409)
    assert refused["used_by"] == ["rule 'low'"]
    assert "cannot change its type, or be for other business events" in refused["detail"]
    put(door, "feature", "share", FEATURE, expression="event.balance / 100.0")
    put(door, "rule", "low", RULE, expression="true", valid_from=at(2))
    problem(door.call("PUT", "/feature/share", {**FEATURE, **change, "valid_from": at(1)}), 409)
    put(door, "feature", "share", {**FEATURE, **change}, valid_from=at(2))


def test_a_rule_that_only_tests_for_a_feature_does_not_hold_its_type(door: Door) -> None:
    put(door, "feature", "share", FEATURE)
    put(door, "rule", "low", RULE, expression="has(features.share)")
    put(door, "feature", "share", FEATURE, expression="event.count")
    assert problem(door.call("DELETE", "/feature/share"), 409)["used_by"] == ["rule 'low'"]


def test_a_rule_is_refused_as_long_as_a_feature_of_another_type_is_in_force(door: Door) -> None:
    put(door, "feature", "share", FEATURE, expression="event.count")
    put(door, "feature", "share", FEATURE, valid_from=at(2))
    refused = problem(door.call("PUT", "/rule/low", RULE), 400)
    assert (refused["code"], refused["field"]) == ("unknown_feature", "/expression")
    assert "version 1 of feature 'share'" in refused["detail"] and "is int" in refused["detail"]
    put(door, "rule", "low", RULE, valid_from=at(2))


def test_a_feature_that_changes_while_a_rule_is_written_is_seen(door: Door) -> None:
    put(door, "feature", "share", FEATURE)
    door.store.interrupt = lambda: put(door, "feature", "share", FEATURE, expression="event.count")
    problem(door.call("PUT", "/rule/low", RULE, headers={"if-none-match": "*"}), 400)
    put(door, "feature", "share", FEATURE, valid_from=at(1))
    door.store.interrupt = lambda: door.call("DELETE", f"/feature/share?valid_from={at(2)}")
    refused = problem(door.call("PUT", "/rule/low", {**RULE, "valid_from": at(3)}), 400)
    assert "there is no feature 'share' from then on" in refused["detail"]


# tests ---------------------------------------------------------------------------------------


def sample(balance: float, hours: float, **profile: Any) -> dict[str, Any]:
    return {"event": {"balance": balance, "occurred_at": at(hours)}, "profile": profile}


def test_a_test_uses_the_features_in_force_at_each_event(door: Door) -> None:
    put(door, "feature", "share", FEATURE, valid_from=at(1))
    put(door, "feature", "share", FEATURE, expression="event.balance / 100.0", valid_from=at(2))
    put(door, "rule", "low", RULE, valid_from=at(1))
    spent = {"average_monthly_expenditures": 1000.0}
    events = [
        sample(100.0, 0, **spent),
        sample(100.0, 1, **spent),
        sample(100.0, 2),
        sample(1.0, 1),
    ]
    results = door.call("POST", "/rule/low/test", {"events": events}).json()["results"]
    assert "; the feature share is not in force" in results[0]["error"]
    assert [r.get("result") for r in results[1:3]] == [True, False]
    assert "; the feature share has no result: " in results[3]["error"]
    assert "average_monthly_expenditures" in results[3]["error"]
    assert results[3]["in_force"]["error"] == results[3]["error"] and not results[3]["differs"]
    guarded = {**RULE, "expression": "has(features.share) && features.share < 0.2"}
    answer = door.call("POST", "/rule/low/test", {"definition": guarded, "events": events})
    assert [r["result"] for r in answer.json()["results"]] == [False, True, False, False]


def test_features_of_a_sample_are_computed_and_not_sent(door: Door) -> None:
    put(door, "feature", "share", FEATURE)
    put(door, "rule", "low", RULE)
    sent = {"events": [{"features": {"share": 0.1}}]}
    refused = problem(door.call("POST", "/rule/low/test", sent), 400)
    assert refused["field"] == "/events/0/features" and "event, profile" in refused["detail"]


def test_a_feature_and_a_template_with_one_are_tested(door: Door) -> None:
    put(door, "feature", "share", FEATURE, expression="event.balance / 400.0")
    events = {"events": [sample(100.0, 1)]}
    (result,) = door.call("POST", "/feature/share/test", events).json()["results"]
    assert result["result"] == result["in_force"]["result"] == 0.25
    draft = {"definition": {**FEATURE, "expression": "profile.segment"}, **events}
    (result,) = door.call("POST", "/feature/share/test", draft).json()["results"]
    assert "segment" in result["error"] and result["differs"]
    put(door, "template", "offer", TEMPLATE)
    (result,) = door.call("POST", "/template/offer/test", events).json()["results"]
    assert result["result"]["message"] == "100.00 left, 0.25 of a month"


def test_what_is_not_a_finite_number_is_no_feature(door: Door) -> None:
    put(door, "feature", "share", FEATURE, expression="event.balance / (event.balance - 5.0)")
    put(door, "rule", "low", RULE)
    zeros = {**FEATURE, "expression": "event.balance / 0.0"}
    events = [sample(0.0, 1), sample(5.0, 1)]
    sent = {"definition": zeros, "events": events}
    nan, infinite = door.call("POST", "/feature/share/test", sent).json()["results"]
    assert nan["error"] == infinite["error"] == "it is not a finite number"
    assert nan["in_force"]["result"] == 0.0
    zero, infinite = door.call("POST", "/rule/low/test", {"events": events}).json()["results"]
    assert zero["result"]
    assert infinite["error"].endswith("share has no result: it is not a finite number")


def test_a_range_of_the_lake_is_decided_with_features(door: Door) -> None:
    put(door, "feature", "share", FEATURE, expression="event.balance / 100.0")
    put(door, "rule", "low", RULE)
    start = datetime.fromtimestamp(NOW / 1000, UTC)
    for n in range(40):
        row = {"id": f"e{n}", "kind": "shopping", "subject": "c", "balance": float(n), "count": 5}
        door.events.rows.append({**row, "occurred_at": start + timedelta(minutes=n)})
    sent = {"from": to_wire(start), "to": to_wire(start + timedelta(hours=1))}
    answer = door.call("POST", "/rule/low/test", sent).json()
    # The first is before the feature and the rule are in force.
    assert (answer["passed"], answer["not_passed"], answer["errors"]) == (19, 20, 1)


def test_other_use_cases_have_no_features() -> None:
    assert "kinds: join" in Door("machines").call("PUT", "/feature/x", {}).json()["detail"]
