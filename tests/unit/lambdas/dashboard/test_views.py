"""What the views of the platform read: flows, models, actions, decisions and the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from glue import Catalog
from glue.instants import to_millis, to_wire
from lambdas.dashboard import actions, flows, ledger, models
from lambdas.dashboard.flows import Flows
from lambdas.dashboard.models import Models
from lambdas.ports.actions import Decision, Outcome, Place, State, Status
from lambdas.ports.ledger import Receipts
from lambdas.ports.measured import MetricsUnavailable
from lambdas.ports.model_registry import VersionPage
from tests.unit.lambdas.dashboard.lake import IDLE, NOW, Lake, client, pages
from usecases.adtech import USE_CASE

MINUTE = timedelta(minutes=1)
FLOOR = NOW.replace(second=0)


# --- flows


@dataclass
class Metrics:
    """Metrics in memory: records by stream and minutes ago, and the age of deliveries."""

    counts: Mapping[tuple[str, int], int] = field(default_factory=dict)
    ages: Mapping[str, float] = field(default_factory=dict)
    down: bool = False

    def records(
        self, streams: Iterable[str], start: datetime, end: datetime
    ) -> dict[str, dict[datetime, int]]:
        if self.down:
            raise MetricsUnavailable("down")
        found: dict[str, dict[datetime, int]] = {stream: {} for stream in streams}
        for (stream, ago), number in self.counts.items():
            if stream in found and start <= FLOOR - ago * MINUTE < end:
                found[stream][FLOOR - ago * MINUTE] = number
        return found

    def freshness(self, deliveries: Iterable[str], now: datetime) -> dict[str, float]:
        return {name: self.ages[name] for name in deliveries if name in self.ages}


def flow_api(metrics: Metrics, **sources: Any) -> TestClient:
    """The API over metrics of the deployment `p`."""
    return client(Lake(), flows=Flows(metrics, "p"), **sources)


def test_records_are_counted_by_what_their_stream_is_to_the_use_case() -> None:
    counts = {
        ("p-factory-levels", 1): 5,
        ("p-factory-readings", 1): 2,
        ("p-factory-decisions", 1): 3,
        ("p-factory-aggregates", 1): 4,
        ("p-factory-dead-letters", 1): 1,
    }
    api = flow_api(Metrics(counts))
    answer = api.get("/metrics/factory", params={"from": "2026-03-02T11:58:00Z"}).json()
    flows.Flow.model_validate(answer)
    last, first = answer["minutes"]
    assert last == {
        "minute": "2026-03-02T11:59:00.000Z",
        "in": 7,
        "out": 7,
        "refused": 1,
        "complete": True,
    }
    assert (first["in"], first["out"], first["refused"]) == (0, 0, 0)


def test_progress_is_no_result_and_the_minute_of_now_is_not_complete() -> None:
    api = flow_api(Metrics({("p-factory-quiet", 0): 5}))
    query = {"from": "2026-03-02T11:59:30Z", "to": "2026-03-02T12:00:01Z"}
    minutes = api.get("/metrics/factory", params=query).json()["minutes"]
    assert [m["complete"] for m in minutes] == [False, True]
    assert [m["minute"][11:16] for m in minutes] == ["12:00", "11:59"]


@cache
def _one_api() -> tuple[Metrics, Log, Lake, TestClient]:
    """What many examples share: an API takes longer to make than to answer."""
    metrics, log, lake = Metrics(), Log(), Lake()
    flow = Flows(metrics, "p")
    return metrics, log, lake, client(lake, flows=flow, actions={"factory": log})


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.integers(0, 59), st.integers(1, 9), max_size=9), st.integers(1, 25))
def test_pages_of_minutes_are_the_whole(counts: dict[int, int], limit: int) -> None:
    metrics, _, _, api = _one_api()
    metrics.counts = {("p-factory-levels", ago): n for ago, n in counts.items()}
    query = {"from": "2026-03-02T11:00:00Z", "to": "2026-03-02T12:01:00Z"}
    paged = pages(api, "/metrics/factory", "minutes", limit=limit, **query)
    assert paged == api.get("/metrics/factory", params={**query, "limit": 1440}).json()["minutes"]
    assert len(paged) == 61
    assert sum(m["in"] for m in paged) == sum(counts.values())


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"from": "2026-02-15T11:59:00Z"}, "from"),
        ({"limit": 1441}, "limit"),
        ({"next": "x"}, "next"),
        ({"period": "HOURS"}, "period"),
    ],
)
def test_a_wrong_parameter_of_metrics_is_named(query: dict[str, Any], parameter: str) -> None:
    answer = flow_api(Metrics()).get("/metrics/factory", params=query)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_metrics_that_cannot_be_read_are_503() -> None:
    answer = flow_api(Metrics(down=True)).get("/metrics/factory")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def progress(watermark: timedelta, heartbeat: timedelta, persisted: timedelta) -> dict[str, Any]:
    """The item of a use case, by how long ago each time is."""
    ago = {"watermark": watermark, "heartbeat_at": heartbeat, "persisted_at": persisted}
    return {n: {"N": str(to_millis(NOW - time))} for n, time in ago.items()}


def test_each_stage_is_as_late_as_its_last_record_shows() -> None:
    item = progress(timedelta(seconds=165), timedelta(seconds=40), timedelta(seconds=38))
    ages = {"p-factory-levels-lake": 12.0, "p-factory-dead-letters-lake": 30.5}
    api = flow_api(Metrics(ages=ages), progress=lambda use_case: item)
    answer = api.get("/metrics/factory/stages").json()
    flows.Stages.model_validate(answer)
    # a heartbeat a minute, and the watermark 5 s behind it, are no lateness
    assert {s["name"]: s["seconds"] for s in answer["stages"]} == {
        "job": 100.0,
        "report": 2.0,
        "lake": 30.5,
    }


def test_what_is_not_measured_yet_is_unknown_and_not_zero() -> None:
    stages = flow_api(Metrics()).get("/metrics/idle/stages").json()["stages"]
    assert [stage["seconds"] for stage in stages] == [None, None, None]


# --- models


@dataclass
class Registry:
    """Versions in memory, newest first; a page's token is where the next one begins."""

    packages: list[dict[str, Any]]
    documents: dict[str, dict[str, Any]]

    def page(self, group: str, limit: int, after: str | None) -> VersionPage:
        assert group == "p-adtech"
        start = int(after or 0)
        end = start + limit
        more = str(end) if end < len(self.packages) else None
        return VersionPage(self.packages[start:end], more)

    def document(self, key: str) -> dict[str, Any] | None:
        return self.documents.get(key)


def package(version: str, approval: str, **metadata: str) -> dict[str, Any]:
    """A package as SageMaker describes it."""
    return {
        "ModelPackageDescription": version,
        "ModelApprovalStatus": approval,
        "CreationTime": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "CustomerMetadataProperties": metadata,
    }


EVALUATION = {
    "decision": "refuse",
    "reasons": ["it is no better than the champion"],
    "rows": 900,
    "from": "2026-03-01T00:00:00.000Z",
    "through": "2026-03-01T10:00:00.000Z",
    "challenger": {"log_loss": 0.5, "auc": 0.7, "bins": [1, 2], "model_version": "v3"},
    "champion": {"log_loss": 0.4, "auc": 0.8, "model_version": "v2"},
    "base_rate": {"log_loss": 0.69, "auc": 0.5},
    "segment": "site",
    "segments": [
        {"segment": "a", "rows": 5, "challenger": 0.4, "reference": 0.5, "gain": 0.1},
        {"segment": "b", "rows": 5, "challenger": 0.6, "reference": 0.5, "gain": -0.1},
    ],
}


@pytest.fixture
def model_api() -> TestClient:
    """The API of a use case with a model of three versions."""
    registry = Registry(
        [
            package("v3", "Rejected", reason="no better", rows="900", log_loss="0.5", auc="0.7"),
            package("v2", "Approved", champion="v1", champion_log_loss="0.45"),
            package("v1", "Approved"),
        ],
        {
            "models/adtech/champion.json": {"version": "v2"},
            "models/adtech/v3/evaluation.json": EVALUATION,
        },
    )
    catalog = Catalog((USE_CASE, IDLE))
    return client(Lake(), catalog, models=Models(registry, "p", "bucket"))


def test_a_version_has_its_status_and_figures_beside_those_of_the_champion_then(
    model_api: TestClient,
) -> None:
    answer = model_api.get("/models/adtech").json()
    models.ModelVersions.model_validate(answer)
    v3, v2, v1 = answer["versions"]
    assert [v["status"] for v in (v3, v2, v1)] == ["refused", "in service", "former"]
    assert (v3["rows"], v3["log_loss"], v3["reason"]) == (900, 0.5, "no better")
    assert (v2["champion"], v2["champion_log_loss"], v2["auc"]) == ("v1", 0.45, None)
    assert v1["created_at"] == "2026-03-01T10:00:00.000Z"


def test_versions_are_paged(model_api: TestClient) -> None:
    found = pages(model_api, "/models/adtech", "versions", limit=2)
    assert [v["version"] for v in found] == ["v3", "v2", "v1"]
    token = model_api.get("/models/adtech", params={"limit": 1}).json()["next"]
    other = model_api.get("/models/adtech", params={"limit": 2, "next": token})
    assert (other.status_code, other.json()["parameter"]) == (400, "next")


def test_an_evaluation_has_every_model_on_the_same_rows_and_the_worst_segment_first(
    model_api: TestClient,
) -> None:
    answer = model_api.get("/models/adtech/v3/evaluation").json()
    models.Evaluation.model_validate(answer)
    assert (answer["decision"], answer["rows"]) == ("refuse", 900)
    assert answer["models"] == {
        "challenger": {"log_loss": 0.5, "auc": 0.7},
        "champion": {"log_loss": 0.4, "auc": 0.8},
        "base_rate": {"log_loss": 0.69, "auc": 0.5},
    }
    assert [s["segment"] for s in answer["segments"]] == ["b", "a"]


@pytest.mark.parametrize(
    "path",
    [
        "adtech/v1/evaluation",
        "adtech/..%2Fv3/evaluation",
        "idle",
        "idle/v1/evaluation",
        "none",
    ],
)
def test_what_has_no_evaluation_or_no_model_is_404(model_api: TestClient, path: str) -> None:
    answer = model_api.get(f"/models/{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"] != "Not Found"  # it says what there is


# --- actions


class Log:
    """Actions in memory."""

    def __init__(self, *found: Decision) -> None:
        self.found = found

    def newest(self, customer: str | None, since: datetime, until: datetime) -> Iterator[Decision]:
        chosen = [
            action
            for action in self.found
            if customer in (None, action.customer) and since <= action.decided_at <= until
        ]
        return iter(sorted(chosen, key=lambda a: (NOW - a.decided_at, a.id)))


def action(id_: str, ago: timedelta = MINUTE, **changed: Any) -> Decision:
    """An action that was decided some time ago, and sent at once."""
    at = NOW - ago
    values: dict[str, Any] = {
        "id": id_,
        "kind": "high",
        "channel": "push",
        "customer": "ada",
        "occurred_at": at,
        "body": json.dumps({"data": {"title": "T", "message": f"message {id_}"}}),
        "place": Place("s", "h", "1"),
        "outcome": Outcome.DUE,
        "decided_at": at,
        "due_at": at,
        "expires": at + timedelta(days=30),
        "states": {"bus": State(attempt=1, status=Status.SENT, at=at)},
    }
    return Decision(**{**values, **changed})


def test_an_action_has_its_text_and_its_state_at_each_destination() -> None:
    dead = State(attempt=4, status=Status.DEAD, error="HTTP 410", at=NOW)
    api = client(Lake(), actions={"factory": Log(action("a", states={"webhook": dead}))})
    answer = api.get("/actions/factory").json()
    actions.ActionRows.model_validate(answer)
    (row,) = answer["actions"]
    assert (row["message"], row["outcome"], row["customer"]) == ("message a", "due", "ada")
    assert row["destinations"] == {
        "webhook": {
            "status": "dead",
            "attempts": 4,
            "at": "2026-03-02T12:00:00.000Z",
            "error": "HTTP 410",
        }
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12), st.integers(1, 4))
def test_pages_of_actions_are_the_whole_also_where_many_were_decided_at_one_instant(
    made: list[tuple[int, bool]], limit: int
) -> None:
    found = [
        action(f"{n:02}", (ago + 1) * MINUTE, customer="ada" if ours else "bob")
        for n, (ago, ours) in enumerate(made)
    ]
    _, log, _, api = _one_api()
    log.found = tuple(found)
    for customer in ("ada", None):
        query = {"customer": customer} if customer else {}
        expected = [a.id for a in log.newest(customer, NOW - timedelta(days=1), NOW)]
        listed = pages(api, "/actions/factory", "actions", limit=limit, **query) if expected else []
        assert [row["id"] for row in listed] == expected


def test_actions_are_those_of_a_half_open_range() -> None:
    log = Log(action("new", timedelta()), action("a", MINUTE), action("old", timedelta(days=2)))
    api = client(Lake(), actions={"factory": log})
    assert [row["id"] for row in api.get("/actions/factory").json()["actions"]] == ["a"]
    query = {"from": "2026-03-02T12:00:00Z", "to": "2026-03-02T12:00:00Z"}
    assert api.get("/actions/factory", params=query).json() == {"actions": [], "next": None}


def test_a_use_case_without_actions_or_decisions_is_404() -> None:
    api = client(Lake())
    for path in ("/actions/idle", "/decisions/idle", "/ledger/idle", "/actions/nothing"):
        assert api.get(path).status_code == 404


# --- decisions


def decided(lake: Lake, id_: str, minutes: float = 1, **changed: Any) -> None:
    """A decision of minutes ago."""
    row = {"id": id_, "kind": "high", "subject": "m", "passed": True, "rules": "[]", **changed}
    lake.insert("parquet_decisions", timedelta(minutes=minutes), **row)


def test_a_decision_has_each_rule_and_is_there_once() -> None:
    lake = Lake()
    rule = {"name": "tall", "version": 2, "mode": "live", "result": "false", "reason": "1 < 2"}
    rule["features"] = {"share": 3}
    for _ in range(2):
        decided(lake, "a", passed=False, rules=json.dumps([rule]))
    decided(lake, "b", 2, score=0.5, action_id="x")
    answer = client(lake).get("/decisions/factory").json()
    actions.DecisionRows.model_validate(answer)
    a, b = answer["decisions"]
    assert (a["id"], a["passed"], a["rules"]) == ("a", False, [rule])
    assert (b["score"], b["action_id"], b["customer_id"]) == (0.5, "x", None)
    assert b["occurred_at"] == "2026-03-02T11:58:00.000Z"


def test_decisions_are_chosen_by_customer_subject_and_result() -> None:
    lake = Lake()
    decided(lake, "a", subject="it's")
    decided(lake, "b", 2, passed=False)
    api = client(lake)

    def ids(**query: Any) -> list[str]:
        found = api.get("/decisions/factory", params=query).json()["decisions"]
        return [row["id"] for row in found]

    assert ids(subject="it's") == ids(customer="it's") == ids(passed=True) == ["a"]
    assert ids(passed=False) == ["b"]
    assert ids(customer="' OR TRUE --") == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=10), st.integers(1, 4))
def test_pages_of_decisions_are_the_whole(times: list[int], limit: int) -> None:
    _, _, lake, api = _one_api()
    lake.database.execute("DELETE FROM parquet_decisions")
    for n, minutes in enumerate(times):
        decided(lake, f"{n:02}", minutes + 1)
    found = pages(api, "/decisions/factory", "decisions", limit=limit)
    assert sorted(row["id"] for row in found) == [f"{n:02}" for n in range(len(times))]


# --- the ledger


@dataclass
class Both:
    """Both sides of the ledger in memory."""

    receipts: list[Receipts]
    counts: dict[datetime, dict[str, int]]

    def door(self, use_case: str, start: datetime, end: datetime) -> list[Receipts]:
        return [r for r in self.receipts if start <= r.minute < end]

    def outcomes(
        self, use_case: str, start: datetime, end: datetime
    ) -> dict[datetime, dict[str, int]]:
        return {at: counts for at, counts in self.counts.items() if start <= at < end}


def ledger_api(
    watermark: timedelta | None, *balanced: int, missing: int = 0, lake: Lake | None = None
) -> TestClient:
    """A ledger of two records in each of these minutes ago; in one, one has no outcome."""
    receipts = [Receipts("factory", FLOOR - n * MINUTE, "i", ok=2) for n in balanced]
    counts = {FLOOR - n * MINUTE: {"read": 2, "counted": 2} for n in balanced}
    if missing:
        receipts.append(Receipts("factory", FLOOR - missing * MINUTE, "i", ok=2))
        counts[FLOOR - missing * MINUTE] = {"read": 1, "counted": 1}
    item = None if watermark is None else progress(watermark, watermark, watermark)
    return client(
        lake or Lake(),
        ledger=Both(receipts, counts),
        audited=("factory",),
        progress=lambda _: item,
    )


def test_minutes_are_the_newest_first_and_say_what_is_missing() -> None:
    api = ledger_api(timedelta(), 600, 601, missing=602)
    answer = api.get("/ledger/factory").json()
    ledger.LedgerMinutes.model_validate(answer)
    assert [m["state"] for m in answer["minutes"]] == ["closed", "closed", "missing"]
    assert answer["minutes"][2]["missing"] == 1
    assert answer["minutes"][0]["outcomes"]["counted"] == 2
    wrong = api.get("/ledger/factory", params={"wrong": True}).json()["minutes"]
    assert [m["missing"] for m in wrong] == [1]


def test_without_a_watermark_what_is_not_read_is_open() -> None:
    (minute,) = ledger_api(None, missing=600).get("/ledger/factory").json()["minutes"]
    assert (minute["state"], minute["open"], minute["missing"]) == ("balances", 1, 0)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_of_the_ledger_are_the_whole(limit: int) -> None:
    api = ledger_api(timedelta(), 1, 2, 3, 5, 8)
    found = pages(api, "/ledger/factory", "minutes", limit=limit)
    assert [m["minute"][11:16] for m in found] == ["11:59", "11:58", "11:57", "11:55", "11:52"]


def test_the_missing_records_of_a_minute_are_named() -> None:
    lake = Lake()
    lake.database.execute(
        "CREATE TABLE parquet_readings (type VARCHAR, event_id VARCHAR, machine VARCHAR,"
        " occurred_at TIMESTAMP, received_at TIMESTAMP, date VARCHAR, hour VARCHAR)"
    )
    for column in ("received_at TIMESTAMP", "hour VARCHAR"):
        lake.database.execute(f"ALTER TABLE parquet_levels ADD {column}")
    api = ledger_api(timedelta(), missing=600, lake=lake)
    for id_ in ("counted", "lost"):
        received = FLOOR.replace(tzinfo=None) - 600 * MINUTE
        row = {"event_id": id_, "type": "reading", "machine": "m", "received_at": received}
        lake.insert("parquet_readings", 600 * MINUTE, **row, hour="02")
    lake.letter("letter", ago=600 * MINUTE, event_id="counted")
    answer = api.get("/ledger/factory/missing", params={"minute": to_wire(FLOOR - 600 * MINUTE)})
    found = ledger.MissingRows.model_validate(answer.json())
    assert (found.missing, found.hidden) == (1, 0)
    [record] = found.records
    assert (record.event_id, record.type, record.key) == ("lost", "reading", "m")
    assert record.state == "unknown"  # readings have no record of their own
    assert record.last_seen.startswith("stream readings; parquet_readings, date ")
    assert [note[:15] for note in found.notes] == ["1 of the missin", "Counted records"]


def test_a_minute_without_records_or_missing_ones_reads_no_lake() -> None:
    lake = Lake()
    lake.down = True
    api = ledger_api(timedelta(), 600, lake=lake)
    for ago in (600, 601):
        found = api.get("/ledger/factory/missing", params={"minute": to_wire(FLOOR - ago * MINUTE)})
        assert found.status_code == 200, found.text
        assert (found.json()["missing"], found.json()["records"]) == (0, [])


def test_missing_records_need_a_minute_a_ledger_and_a_lake() -> None:
    lake = Lake()
    lake.down = True
    api = ledger_api(timedelta(), missing=600, lake=lake)
    minute = {"minute": to_wire(FLOOR - 600 * MINUTE)}
    assert api.get("/ledger/factory/missing").status_code == 400
    assert api.get("/ledger/idle/missing", params=minute).status_code == 404
    answer = api.get("/ledger/factory/missing", params=minute)
    assert (answer.status_code, answer.json()["detail"]) == (503, "the lake cannot be read now")


def test_the_catalog_names_the_use_cases_with_a_ledger() -> None:
    use_case, idle = ledger_api(None).get("/catalog").json()["use_cases"]
    assert (use_case["ledger"], idle["ledger"]) == (True, False)
