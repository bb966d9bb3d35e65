"""Business events of the lake with the profiles by which they were decided, by Athena."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

import usecases
from lambdas.adapters.business_events import LakeBusinessEvents
from lambdas.definitions.app import create_app
from sdpctl.settings import Settings
from tests.emulator.aged import AgedLake, Json, table_of
from tests.emulator.conftest import Client
from tests.unit.lambdas.definitions.memory import Memory

DATABASE, WORKGROUP = "sdp_ranges", "sdp-ranges"
CATALOG = usecases.load(("shopping",))
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
END = MIDNIGHT + timedelta(hours=1)


def _at(minute: float) -> str:
    return f"{(MIDNIGHT + timedelta(minutes=minute)):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _found(id_: str, minute: float, kind: str = "shopping") -> Json:
    own: Json = {"balance": 150.5, "count": 5} if kind == "shopping" else {}
    return {"id": id_, "kind": kind, "subject": "card", "occurred_at": _at(minute), **own} | {
        "causes": "[]",
        "trace_id": f"t-{id_}",
    }


def _decided(id_: str, minute: float, profile: str | None) -> Json:
    row = _found(id_, minute)
    own = {"business_event_id": id_, "passed": False, "rules": "[]", "profile_id": profile}
    return {n: row[n] for n in ("id", "kind", "subject", "occurred_at", "trace_id")} | own


def _event(kind: str, event_id: str, minute: float, **fields: Any) -> Json:
    at = _at(minute)
    return {"type": kind, "event_id": event_id, "occurred_at": at, "received_at": at, **fields}


def _profile(event_id: str, minute: float, **fields: Any) -> Json:
    return _event("customer", event_id, minute, customer_id="k", card_id="card", **fields)


FIRST = _profile("p1", -960, segment="first", age=30)
SECOND = _profile("p2", 10, segment="second", average_monthly_expenditures=12.5)
# A sender repeats an id hours later, with other content; and has an event of another type with it.
AGAIN = _profile("p1", 20, segment="again")
OTHER = _event("transaction", "p1", 1, card_id="card", acc_num=1, amount=1.0)
DECIDED: list[tuple[str, float, str | None]] = [
    ("early", 0.5, "p1"),
    ("by-first", 5, "p1"),
    ("by-second", 15, "p2"),
    ("by-again", 25, "p1"),
    ("by-none", 30, None),
    ("gone", 40, "p-gone"),
]


@pytest.fixture(scope="module")
def lake(settings: Settings, client: Client) -> Iterator[LakeBusinessEvents]:
    """The tables of business events, decisions and events, with some rows twice."""
    client("glue").create_database(DatabaseInput={"Name": DATABASE})
    client("s3").create_bucket(Bucket="results-of-ranges")
    location = {"OutputLocation": "s3://results-of-ranges/athena/shopping/"}
    client("athena").create_work_group(
        Name=WORKGROUP, Configuration={"ResultConfiguration": location}
    )
    made = AgedLake(client, "lake-of-ranges", DATABASE)
    found, decisions, events = (
        table_of("shopping", f"parquet_{name}")
        for name in ("business_events", "decisions", "activity")
    )
    before = MIDNIGHT - timedelta(hours=1)  # of a file that was begun before midnight
    made.fill(events, [FIRST, FIRST], [OTHER, AGAIN, SECOND, SECOND, AGAIN])
    made.create(found)
    made.deliver(found, [_found("before", -0.001), _found("early", 0.5)], before)
    rows = [_found(id_, minute) for id_, minute, _ in DECIDED[1:]]
    rows += [rows[0], _found("undecided", 35), _found("after", 60)]
    made.deliver(found, [*rows, _found("other", 6, "stuck_in_form")], MIDNIGHT)
    made.create(decisions)
    decided = [_decided(*row) for row in DECIDED]
    made.deliver(decisions, decided[:1], before)
    made.deliver(decisions, [*decided[1:], decided[1], _decided("after", 60, "p1")], MIDNIGHT)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.aws_environment().items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield LakeBusinessEvents(CATALOG, {"shopping": DATABASE}, {"shopping": WORKGROUP})


def _between(lake: LakeBusinessEvents, limit: int = 100) -> Any:
    return lake.between("shopping", "shopping", MIDNIGHT, END, limit, 20.0)


def test_each_is_there_once_with_the_profile_by_which_it_was_decided(
    lake: LakeBusinessEvents,
) -> None:
    newest = _between(lake)
    assert newest.total == len(newest.events)
    found = [
        (e.fields["id"], e.profile_id, e.profile and e.profile.get("segment"))
        for e in newest.events
    ]
    assert found == [
        ("gone", "p-gone", None),
        ("undecided", None, None),
        ("by-none", None, None),
        ("by-again", "p1", "again"),
        ("by-second", "p2", "second"),
        ("by-first", "p1", "first"),
        ("early", "p1", "first"),
    ]
    unknown = {e.fields["id"]: e.unknown for e in newest.events if e.unknown}
    assert unknown == {
        "gone": "its profile is not in the lake",
        "undecided": "its decision is not in the lake",
    }
    second = newest.events[4]
    assert second.fields == {
        "id": "by-second",
        "kind": "shopping",
        "subject": "card",
        "occurred_at": MIDNIGHT + timedelta(minutes=15),
        "balance": 150.5,
        "count": 5,
        "causes": "[]",
        "trace_id": "t-by-second",
    }
    expected = {"customer_id": "k", "card_id": "card", "segment": "second"}
    assert second.profile == expected | {"average_monthly_expenditures": 12.5}


def test_of_more_than_the_limit_the_newest_come_with_the_number_of_all(
    lake: LakeBusinessEvents,
) -> None:
    newest = _between(lake, limit=2)
    assert newest.total == 7
    assert [e.fields["id"] for e in newest.events] == ["gone", "undecided"]
    assert lake.between("shopping", "spending_anomaly", MIDNIGHT, END, 2, 20.0).total == 0


def test_a_definition_is_tested_over_a_range_of_it(lake: LakeBusinessEvents) -> None:
    tables = {"shopping": "t"}
    app = create_app(CATALOG, Memory(), tables, CATALOG.configured({}), lake, lambda: 0)
    expression = 'has(profile.segment) && profile.segment in ["second", "again"]'
    sent = {
        "definition": {"kind_of_event": "shopping", "expression": expression},
        "from": _at(0),
        "to": _at(60),
    }
    answer = TestClient(app).post("/definitions/shopping/rule/x/test", json=sent).json()
    counts = {name: answer[name] for name in ("events", "tested", "passed", "not_passed")}
    assert counts == {"events": 7, "tested": 5, "passed": 2, "not_passed": 3}
    assert (answer["errors"], answer["without_profile"], answer["undecided"]) == (0, 1, 2)
    assert not answer["complete"] and len(answer["notes"]) == 1
