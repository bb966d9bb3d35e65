"""A use case is one folder and one line: what the platform makes of a made-up one, without Flink.

Flink runs others in tests/flink/test_pipelines.py.
"""

import sys
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import orjson
import pytest
from fastapi.testclient import TestClient

import usecases
from analytics_app.connectors import Files
from analytics_app.rendering import render
from datagen import Generation, Settings
from glue.targets.dynamodb import hash_key, item, row
from infra.topology import Topology
from lambdas.ingest.app import create_app as create_ingest
from lambdas.reports.app import Tables
from lambdas.reports.app import create_app as create_reports
from sdpctl.generated import rendered

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = int(START.timestamp())
LINE = ("adtech", "turnstile")  # the one line: usecases.NAMES with the new name

FOLDER = {
    "__init__.py": '''
        """Turnstiles of a stadium."""

        from datetime import datetime
        from pathlib import Path
        from typing import Annotated

        from annotated_types import Ge

        from glue import UseCase, event, report


        @event(key="gate", stream="passages")
        class Passage:
            """Somebody went through a gate."""

            gate: Annotated[str, "The gate."]
            people: Annotated[int, Ge(1), "How many at once."]


        @report(path="gates", key="gate", period="period")
        class Gate:
            """People per gate."""

            gate: Annotated[str, "The gate."]
            period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
            people: Annotated[int, Ge(0), "People who went through."]


        USE_CASE = UseCase(
            name="turnstile",
            doc="Turnstiles of a stadium.",
            folder=Path(__file__).parent,
            classes=(Passage, Gate),
        )
    ''',
    "generator.py": '''
        """Two people each time."""

        from datagen import Occurrence
        from glue.instants import from_millis, to_wire


        def occurrences(settings):
            for n in range(settings.events):
                at = settings.start_ms + int(n * 1000 / settings.rate)
                event = {"type": "passage", "event_id": f"p{n}", "gate": "north", "people": 2}
                event["occurred_at"] = to_wire(from_millis(at))
                yield Occurrence(at, event, (("gates", "north", (2,)),))
    ''',
    "pipeline/10_gates.sql": """
        CREATE TEMPORARY VIEW gates AS
        SELECT `gate`, ${bucket} AS `period`, SUM(`people`) AS `people`, COUNT(*) AS `version`
        FROM decoded
        GROUP BY `gate`, ${bucket}
    """,
}


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    folder = tmp_path / "turnstile"
    for name, text in FOLDER.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text), "utf-8")
    monkeypatch.setattr(usecases, "__path__", [*usecases.__path__, str(tmp_path)])
    yield usecases.load(LINE)
    for name in [n for n in sys.modules if n.startswith("usecases.turnstile")]:
        del sys.modules[name]


class Memory:
    """A stream that remembers what was put."""

    def __init__(self):
        self.stored = []

    def put(self, stream, entries):
        self.stored += [(stream, entry) for entry in entries]
        return [None for _ in entries]


def _passage(**fields):
    return {"gate": "north", "people": 2, "occurred_at": "2026-11-21T10:00:00Z", **fields}


def test_its_events_are_taken_in_and_its_limits_hold(catalog):
    stream = Memory()
    api = TestClient(create_ingest(catalog=catalog, stream=stream, clock=lambda: START))
    answer = api.post("/passage", json=[_passage(), _passage(people=0)])
    assert answer.status_code == 207
    assert answer.json()["results"][1]["error"]["field"] == "/people"
    ((name, entry),) = stream.stored
    assert (name, entry.key) == ("turnstile/passages", "north")
    assert orjson.loads(entry.data)["people"] == 2


class _Store:
    """One bucket, complete up to the next day."""

    def __init__(self, report):
        self.table = [item(report, {"gate": "north", "period": HOUR, "people": 8, "version": 4})]

    def get(self, table, key):
        return None

    def items(self, table, key, between, *, descending=False):
        return iter(self.table if key[1] == {"S": "north"} else [])


def test_its_report_is_served(catalog):
    (report,) = catalog.use_case("turnstile").reports
    names = {t.key: t.name for t in Topology("sdp", catalog).tables}
    tables = Tables(reports=names, progress="sdp-progress")
    api = TestClient(create_reports(catalog, _Store(report), catalog.configured({}), tables))
    found = api.get("/reports/gates/north").json()
    assert (found["gate"], found["people"]) == ("north", 8)
    assert api.get("/reports/gates/south").status_code == 404


def test_it_has_streams_a_table_and_a_key_of_its_own(catalog):
    topology = Topology("sdp", catalog)
    assert "sdp-turnstile-passages" in [s.name for s in topology.streams]
    assert "sdp-turnstile-gates" in [t.name for t in topology.tables]
    (report,) = catalog.use_case("turnstile").reports
    assert hash_key(report).type == "S"
    stored = {"gate": "north", "period": HOUR, "people": 8}
    assert row(report, item(report, stored)) == stored


def test_its_schemas_and_page_are_rendered(catalog):
    files = rendered(catalog)
    assert "schemas/turnstile/Passage.json" in files
    assert "Somebody went through a gate." in files["docs/catalogue.md"]


def test_its_sql_is_rendered(catalog, tmp_path):
    use_case = catalog.use_case("turnstile")
    statements = render(use_case, use_case.configured({}), Files(str(tmp_path)))
    assert any("`people` BIGINT" in s for s in statements.definitions)
    assert any("gates" in s for s in statements.inserts)


def test_its_generator_gets_the_truth_for_nothing(catalog):
    from usecases.turnstile import generator

    settings = Settings(
        events=10, start=START, rate=1, duplicates=0.5, shuffle=timedelta(seconds=2)
    )
    generation = Generation(catalog.use_case("turnstile"), generator, settings)
    events = list(generation)
    truth = generation.truth()
    assert len(events) == truth["sent"] > 10
    assert truth["reports"]["gates"]["north"]["people"] == 20
