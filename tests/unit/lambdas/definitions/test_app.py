"""The API: versions that are never changed, an instant for each, and errors that say where."""

import json

import pytest

from glue.instants import from_millis, to_wire
from lambdas.http.gateway import behind_gateway
from lambdas.ports.business_events import LakeTooSlow, LakeUnavailable
from lambdas.ports.definitions import Frontier
from tests.unit.lambdas.definitions.memory import NOW, Door

RULE = {"kind_of_event": "shopping", "expression": "event.balance < 200.0"}
TEMPLATE = {
    "kind_of_event": "shopping",
    "channel": "email",
    "title": "Hello",
    "message": "{{ event.balance }} left; send "
    "{{ event.balance < 245.0 ? 250.0 - event.balance : 5.0 }}",
}
LATER = to_wire(from_millis(NOW + 3_600_000))


@pytest.fixture
def door():
    return Door()


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    return response.json()


def test_a_definition_is_valid_after_the_lead_and_has_a_tag(door):
    response = door.call("PUT", "/rule/spending", RULE)
    assert response.status_code == 201
    assert response.headers["etag"] == '"1"'
    assert response.json() == {
        "kind": "rule",
        "name": "spending",
        "version": 1,
        "valid_from": to_wire(from_millis(NOW + 15_000)),
        "mode": "live",
        "ended": False,
        "written_at": to_wire(from_millis(NOW)),
        "definition": {**RULE, "action": None, "priority": 0},
    }
    assert door.call("GET", "/rule/spending").json() == response.json()
    (stored,) = door.store.versions
    assert stored.checked and stored.sequence == 1


def test_every_version_is_kept_and_the_newest_is_shown(door):
    door.call("PUT", "/rule/spending", RULE)
    changed = {**RULE, "expression": "event.balance < 100.0", "mode": "shadow"}
    assert door.call("PUT", "/rule/spending", changed).json()["version"] == 2
    assert door.call("GET", "/rule/spending").json()["mode"] == "shadow"
    history = door.call("GET", "/rule/spending?history=true").json()
    assert [v["version"] for v in history["versions"]] == [2, 1]
    assert history["versions"][1]["definition"]["expression"] == RULE["expression"]
    assert history["next"] is None


def test_lists_come_in_pages(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    for name in ("a", "b", "c"):
        door.call("PUT", f"/rule/{name}", RULE)
    first = door.call("GET", "?limit=3").json()
    rest = door.call("GET", f"?limit=3&next={first['next']}").json()
    names = [d["name"] for d in (*first["definitions"], *rest["definitions"])]
    assert names == ["a", "b", "c", "offer"] and rest["next"] is None
    rules = door.call("GET", "/rule").json()["definitions"]
    assert [d["name"] for d in rules] == ["a", "b", "c"]
    assert "next" in problem(door.call("GET", f"/rule?next={first['next']}"), 400)["detail"]
    versions = door.call("GET", "/rule/a?history=true&limit=1").json()
    assert versions["next"] is None


def test_a_version_of_the_past_is_refused_with_the_earliest_instant(door):
    door.store.at = Frontier(NOW, 0)
    at = to_wire(from_millis(NOW))
    refused = problem(door.call("PUT", "/rule/late", {**RULE, "valid_from": at}), 409)
    assert refused["earliest"] == to_wire(from_millis(NOW + 1))
    assert refused["field"] == "/valid_from" and refused["earliest"] in refused["detail"]
    earliest = {**RULE, "valid_from": refused["earliest"]}
    assert door.call("PUT", "/rule/late", earliest).json()["valid_from"] == refused["earliest"]


def test_the_frontier_may_pass_between_reading_and_writing(door):
    def pass_by():
        door.store.at = Frontier(NOW + 3_600_000, door.store.at.sequence)

    door.store.interrupt = pass_by
    problem(door.call("PUT", "/rule/late", {**RULE, "valid_from": LATER}), 409)
    assert door.store.versions == []
    # Without an instant of its own it is valid after the new frontier.
    door.store.interrupt = lambda: setattr(door.store, "at", Frontier(NOW + 7_200_000, 0))
    written = door.call("PUT", "/rule/late", RULE).json()
    assert written["valid_from"] == to_wire(from_millis(NOW + 7_215_000))


def test_another_writer_is_no_reason_to_fail_unless_it_wrote_the_same_definition(door):
    door.store.interrupt = lambda: door.call("PUT", "/rule/other", RULE)
    assert door.call("PUT", "/rule/mine", RULE).json()["version"] == 1
    assert [v.sequence for v in door.store.versions] == [1, 2]
    door.store.interrupt = lambda: door.call("PUT", "/rule/mine", RULE)
    response = door.call("PUT", "/rule/mine", RULE, headers={"if-match": '"1"'})
    assert '"2"' in problem(response, 412)["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": '"1"'}, 201),
        ({"if-match": '"7", "1"'}, 201),
        ({"if-match": "*"}, 201),
        ({"if-match": '"2"'}, 412),
        ({"if-match": 'W/"1"'}, 412),
        ({"if-none-match": "*"}, 412),
        ({"if-match": "1"}, 400),
    ],
)
def test_if_match_guards_against_overwriting(door, headers, status):
    door.call("PUT", "/rule/spending", RULE)
    assert door.call("PUT", "/rule/spending", RULE, headers=headers).status_code == status


def test_if_match_fails_where_there_is_nothing(door):
    problem(door.call("PUT", "/rule/new", RULE, headers={"if-match": "*"}), 412)
    created = door.call("PUT", "/rule/new", RULE, headers={"if-none-match": "*"})
    assert created.status_code == 201
    known = door.call("GET", "/rule/new", headers={"if-none-match": '"1"'})
    assert known.status_code == 304 and known.content == b""


def test_a_definition_ends_from_an_instant_and_its_versions_stay(door):
    door.call("PUT", "/rule/spending", RULE)
    ended = door.call("DELETE", f"/rule/spending?valid_from={LATER}")
    assert ended.status_code == 200
    assert ended.json()["ended"] and ended.json()["valid_from"] == LATER
    assert door.call("GET", "/rule/spending").json()["ended"]
    problem(door.call("DELETE", "/rule/spending"), 404)
    door.now = NOW + 3_600_000
    assert "history" in problem(door.call("GET", "/rule/spending"), 404)["detail"]
    assert door.call("GET", "/rule").json()["definitions"] == []
    versions = door.call("GET", "/rule/spending?history=true").json()["versions"]
    assert [v["ended"] for v in versions] == [True, False]
    again = door.call("PUT", "/rule/spending", RULE, headers={"if-none-match": "*"})
    assert again.json()["version"] == 3


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/rule/none", 404, "none"),
        ("/colour/x", 404, "rule, template, threshold"),
        ("/rule/A", 400, "lower case"),
        ("/rule/%F0%9F%98%80", 400, "name"),
        ("/rule/a.b", 400, "name"),
        (f"/rule/{'a' * 65}", 400, "name"),
        ("/rule/x?at=1", 400, "at"),
        ("/rule/x?history=maybe", 400, "true or false"),
        ("/rule/x?limit=3", 400, "history"),
        ("?limit=0", 400, "limit"),
        ("?limit=1&limit=2", 400, "limit"),
        ("?next=x", 400, "next"),
    ],
)
def test_a_wrong_path_or_parameter_is_named(door, path, status, named):
    assert named in problem(door.call("GET", path), status)["detail"]


ODD = {
    "A": "'A'",
    "a.b": "'a.b'",
    "1a": "'1a'",
    "-a": "'-a'",
    "a%20b": "'a b'",
    "a%0A": r"'a\n'",
    "a%00": r"'a\x00'",
    "%C3%A4": "'ä'",
    "%F0%9F%98%80": "'😀'",
    "a%CC%81": "'a\u0301'",
    "%EF%BD%81": "'ａ'",  # noqa: RUF001 - of full width, which is folded to a by some
    "%FF": "'\ufffd'",
    "a%2Fb": "'a/b'",
    "a%2fb": "'a/b'",
    "%2F": "'/'",
    "..%2F..%2Frule%2Fa": "'../../rule/a'",
    "a%252Fb": "'a%2Fb'",
    "a%2561": "'a%61'",
    "a%3Fb": "'a?b'",
    "a%23b": "'a#b'",
    "a" * 65: "'aaaa",
}
SENT = {
    "GET": ("", None),
    "PUT": ("", RULE),
    "DELETE": ("", None),
    "POST": ("/test", {"definition": RULE, "events": [{}]}),
}


@pytest.mark.parametrize("method", list(SENT))
@pytest.mark.parametrize("name", list(ODD))
def test_a_name_with_odd_characters_is_refused_by_every_method(door, method, name):
    door.call("PUT", "/rule/a", RULE)
    rest, sent = SENT[method]
    refused = problem(door.call(method, f"/rule/{name}{rest}", sent), 400)
    assert refused["parameter"] == "name"
    assert ODD[name] in refused["detail"] and "1 to 64 lower case letters" in refused["detail"]
    (stored,) = door.store.versions
    assert (stored.name, stored.ended) == ("a", False)


def test_a_slash_that_is_encoded_separates_nothing(door):
    door.call("PUT", "/rule/a", RULE)
    sent = {"definition": RULE, "events": [{}]}
    problem(door.call("POST", "/rule/a%2Ftest", sent), 405)
    assert "rule, template" in problem(door.call("GET", "/rule%2Fa"), 404)["detail"]
    problem(door.call("PUT", "/rule%2Fa", RULE), 405)
    problem(door.call("PUT", "/rule/a/b", RULE), 404)  # another path
    assert len(door.store.versions) == 1


@pytest.mark.parametrize("name", list(ODD))
def test_so_it_is_behind_api_gateway_which_hands_over_the_path_as_it_was_sent(door, name):
    respond = behind_gateway(door.client.app)
    headers = {"content-type": "application/json"}
    event = {
        "resource": "/{proxy+}",
        "path": f"/definitions/shopping/rule/{name}",
        "httpMethod": "PUT",
        "headers": headers,
        "requestContext": {"stage": "v1"},
        "body": json.dumps(RULE),
    }
    answer = respond(event, None)
    assert answer["statusCode"] == 400
    assert ODD[name] in json.loads(answer["body"])["detail"]


def test_an_encoded_letter_is_that_letter(door):
    assert door.call("PUT", "/rule/%61", RULE).json()["name"] == "a"


def test_a_use_case_without_definitions_is_unknown(door):
    response = door.client.get("/definitions/adtech")
    assert "shopping" in problem(response, 404)["detail"]


@pytest.mark.parametrize(
    ("kind", "sent", "field", "named"),
    [
        ("rule", [], "", "object"),
        ("rule", {}, "/kind_of_event", "missing"),
        ("rule", {**RULE, "extra": 1}, "/extra", "expression"),
        ("rule", {**RULE, "priority": "1"}, "/priority", "integer"),
        ("rule", {**RULE, "priority": 1_001}, "/priority", "1000"),
        ("rule", {**RULE, "mode": "dark"}, "/mode", "live or shadow"),
        ("rule", {**RULE, "valid_from": "tomorrow"}, "/valid_from", "RFC 3339"),
        ("rule", {**RULE, "kind_of_event": "sleeping"}, "/kind_of_event", "stuck_in_form"),
        ("rule", {**RULE, "action": "offer"}, "/action", "no template"),
        ("rule", {**RULE, "expression": "x" * 1_048_576}, "/expression", "4096"),
        ("rule", {**RULE, "expression": ""}, "/expression", "1 or more"),
        ("threshold", {"kind_of_event": "shopping", "value": 1.5}, "/value", "1"),
        ("template", {**TEMPLATE, "title": "{{ event.balnce }}"}, "/title", "balance"),
        ("template", {**TEMPLATE, "title": "{{ true }}"}, "/title", "double"),
        ("template", {**TEMPLATE, "title": "{{ event"}, "/title", "braces"),
    ],
)
def test_a_wrong_document_is_refused_at_its_field(door, kind, sent, field, named):
    refused = problem(door.call("PUT", f"/{kind}/x", sent), 400)
    assert refused["field"] == field and named in refused["detail"], refused
    assert door.store.versions == []


@pytest.mark.parametrize(
    ("expression", "line", "column", "named"),
    [
        ("event.balance <", 1, 16, "Syntax error"),
        ("event.blance < 1.0", 1, 6, "fields: id, kind, subject, occurred_at"),
        ("event.deviation > 1.0", 1, 6, "balance, count"),  # of another kind of event
        ("event.balance < 200", 1, 15, "200.0"),
        ("true &&\n  evnt.balance < 1.0", 2, 3, "variables: event, profile"),
        ('"ä😀" == event.kind && event.x', 1, 28, "x is not a field"),
        ("event.balance", 1, 1, "true or false"),
    ],
)
def test_an_error_in_an_expression_has_its_position(door, expression, line, column, named):
    refused = problem(door.call("PUT", "/rule/x", {**RULE, "expression": expression}), 400)
    assert refused["field"] == "/expression" and refused["code"] == "invalid_expression"
    assert (refused["position"]["line"], refused["position"]["column"]) == (line, column), refused
    assert named in refused["detail"]


def test_a_rule_names_a_template_of_its_own_kind_of_event(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    assert door.call("PUT", "/rule/x", {**RULE, "action": "offer"}).status_code == 201
    stuck = {"kind_of_event": "stuck_in_form", "expression": "true", "action": "offer"}
    assert "shopping" in problem(door.call("PUT", "/rule/y", stuck), 400)["detail"]


@pytest.mark.parametrize("mode", ["live", "shadow"])
def test_a_template_that_a_live_rule_uses_is_not_ended(door, mode):
    door.call("PUT", "/template/offer", TEMPLATE)
    for name in ("b", "a"):
        door.call("PUT", f"/rule/{name}", {**RULE, "action": "offer", "mode": mode})
    door.call("PUT", "/rule/c", RULE)
    if mode == "shadow":
        assert door.call("DELETE", "/template/offer").status_code == 200
        return
    refused = problem(door.call("DELETE", "/template/offer"), 409)
    assert refused["used_by"] == ["rule 'a'", "rule 'b'"]
    assert "rule 'a', rule 'b'" in refused["detail"]
    assert not door.call("GET", "/template/offer").json()["ended"]
    door.call("DELETE", "/rule/a")
    door.call("PUT", "/rule/b", RULE)  # without an action
    assert door.call("DELETE", "/template/offer").status_code == 200


def test_a_rule_that_uses_a_template_until_or_from_a_later_instant_is_a_user_until_or_from_then(
    door,
):
    def at(hours):
        return to_wire(from_millis(NOW + hours * 3_600_000))

    door.call("PUT", "/template/offer", TEMPLATE)
    door.call("PUT", "/rule/later", {**RULE, "action": "offer", "valid_from": at(2)})
    door.call("PUT", "/rule/later", RULE)  # from now on, until the other one begins
    refused = problem(door.call("DELETE", "/template/offer"), 409)
    assert refused["used_by"] == ["rule 'later'"]
    door.call("DELETE", f"/rule/later?valid_from={at(3)}")
    problem(door.call("DELETE", f"/template/offer?valid_from={at(2)}"), 409)
    assert door.call("DELETE", f"/template/offer?valid_from={at(3)}").status_code == 200


def test_a_template_that_live_rules_use_is_not_made_one_for_other_business_events(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    door.call("PUT", "/rule/x", {**RULE, "action": "offer"})
    other = {"kind_of_event": "stuck_in_form", "channel": "email", "title": "", "message": "Help?"}
    refused = problem(door.call("PUT", "/template/offer", other), 409)
    assert refused["used_by"] == ["rule 'x'"] and "other business events" in refused["detail"]
    assert door.call("PUT", "/template/offer", {**TEMPLATE, "title": "Hi"}).status_code == 201


def test_of_a_rule_and_the_end_of_its_template_that_are_written_at_once_one_is_refused(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    door.store.interrupt = lambda: door.call("DELETE", "/template/offer")
    refused = problem(door.call("PUT", "/rule/x", {**RULE, "action": "offer"}), 400)
    assert refused["code"] == "unknown_template"
    door.call("PUT", "/template/other", TEMPLATE)
    door.store.interrupt = lambda: door.call("PUT", "/rule/y", {**RULE, "action": "other"})
    assert problem(door.call("DELETE", "/template/other"), 409)["used_by"] == ["rule 'y'"]


def test_every_rule_is_looked_at_however_many_there_are(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    for n in range(101):
        door.call("PUT", f"/rule/r{n:03d}", RULE)
    door.call("PUT", "/rule/z", {**RULE, "action": "offer"})
    assert problem(door.call("DELETE", "/template/offer"), 409)["used_by"] == ["rule 'z'"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LakeTooSlow("lake: query 7 took more than 20 s"), "did not answer in time"),
        (LakeUnavailable("lake: query 7 is FAILED: no such table"), "FAILED: no such table"),
    ],
)
def test_a_lake_that_does_not_answer_is_a_problem_that_may_pass(door, error, said):
    def fail(*_):
        raise error

    door.events.between = fail
    sent = {"definition": RULE, "from": to_wire(from_millis(NOW)), "to": LATER}
    response = door.call("POST", "/rule/x/test", sent)
    assert said in problem(response, 503)["detail"]
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[" * 2_000, "application/json", 400),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-ndjson", 415),
        (b" " * 4_500_001, "application/json", 413),
    ],
)
def test_a_body_that_is_no_document_is_refused(door, content, kind, status):
    response = door.call("PUT", "/rule/x", content=content, headers={"content-type": kind})
    problem(response, status)


def test_samples_are_tried_without_storing_anything(door):
    sent = {
        "definition": {**RULE, "expression": "event.balance < 200.0 && profile.age >= 18"},
        "events": [
            {"event": {"balance": 150.0}, "profile": {"age": 18}},
            {"event": {"balance": 150}, "profile": {"age": 17}},
            {"event": {"balance": 150.0}},
        ],
    }
    results = door.call("POST", "/rule/x/test", sent).json()["results"]
    assert [r.get("result") for r in results] == [True, False, None]
    assert "age" in results[2]["error"]
    assert all(r["in_force"] is None and r["differs"] for r in results)
    assert door.store.versions == []


def test_a_sample_is_compared_with_the_version_in_force_at_its_own_time(door):
    door.call("PUT", "/rule/x", RULE)
    later = {**RULE, "expression": "event.balance < 100.0", "valid_from": LATER}
    door.call("PUT", "/rule/x", later)
    times = [NOW, NOW + 15_000, NOW + 3_600_000]
    events = [
        {"event": {"balance": 150.0, "occurred_at": to_wire(from_millis(at))}} for at in times
    ]
    results = door.call("POST", "/rule/x/test", {"events": events}).json()["results"]
    assert [r["in_force"] and r["in_force"]["version"] for r in results] == [None, 1, 2]
    assert [r["differs"] for r in results] == [True, True, False]


def test_a_template_is_filled_for_a_sample(door):
    door.call("PUT", "/template/offer", TEMPLATE)
    sent = {"events": [{"event": {"balance": 149.995}}, {"event": {}}]}
    filled, empty = door.call("POST", "/template/offer/test", sent).json()["results"]
    assert filled["result"] == {"title": "Hello", "message": "150.00 left; send 100.00"}
    assert "balance" in empty["error"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"events": []}, "/events"),
        ({"events": [{"event": {"blance": 1.0}}]}, "/events/0/event/blance"),
        ({"events": [{"evnt": {}}]}, "/events/0/evnt"),
        ({"events": [{}], "from": "2026-11-01T00:00:00Z"}, "/from"),
        ({"from": "2026-11-01T00:00:00Z"}, "/to"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "/to"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "/to"),
        ({"definition": {**RULE, "expression": "x"}, "events": [{}]}, "/definition/expression"),
        ({"other": 1}, "/other"),
    ],
)
def test_a_wrong_test_is_refused_at_its_field(door, sent, field):
    door.call("PUT", "/rule/x", RULE)
    assert problem(door.call("POST", "/rule/x/test", sent), 400)["field"] == field


def test_what_has_no_expression_cannot_be_tried(door):
    threshold = {"kind_of_event": "shopping", "value": 0.5}
    sent = {"definition": threshold, "events": [{}]}
    assert "threshold" in problem(door.call("POST", "/threshold/x/test", sent), 400)["detail"]
