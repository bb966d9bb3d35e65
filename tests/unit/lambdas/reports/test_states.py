"""Reports of decimals, states and extremes: from the stream through persist to the API."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import boto3
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue import Catalog, Latest, Maximum, Minimum, Ratio, UseCase, event, report
from glue.targets.dynamodb import hash_key, range_key, total_key
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.persist.stream import StreamRecord
from lambdas.persist.writing import Persist
from lambdas.reports.app import create_app
from lambdas.tables import Tables
from tests.unit.lambdas.made_up import PROGRESS_TABLE
from tests.unit.lambdas.tables import create_table

NAMES = count()
STATES = ("level", "open", "content")
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


@event(key="tank", stream="levels")
class Level:
    """A tank was read."""

    tank: Annotated[str, "The tank."]


@report(
    path="tanks",
    key="tank",
    period="period",
    ratios=(Ratio("per_visit", "taken", ("visits", "guests"), "Litres at a time."),),
)
class Tank:
    """What is in a tank, and what was taken from it."""

    tank: Annotated[str, "The tank."]
    period: Annotated[int, "Start of the bucket, epoch seconds."]
    taken: Annotated[float, "Litres taken."]
    visits: Annotated[int, "How often the owner took."]
    guests: Annotated[int, "How often others took."]
    level: Annotated[float, Latest, "Litres in it."]
    open: Annotated[bool, Latest, "Its valve is open."]
    content: Annotated[str, Latest, "What is in it."]
    coldest: Annotated[float, Minimum, "Degrees."]
    warmest: Annotated[float, Maximum, "Degrees."]


FARM = UseCase("farm", "Tanks.", Path(), (Level, Tank))
CATALOG, TABLES = Catalog((FARM,)), {"farm/tanks": "t-tanks"}


class _Letters:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def put(self, stream: str, entries: Any) -> list[None]:
        self.sent += [json.loads(entry.data) for entry in entries]
        return [None for _ in entries]


class _Farm:
    """Persist and the reports over one store."""

    def __init__(self, store: DynamoStore) -> None:
        self.letters, self._numbers = _Letters(), count(1)
        tables = Tables(TABLES, PROGRESS_TABLE)
        self._persist = Persist(
            catalog=CATALOG,
            tables=tables,
            store=store,
            letters=self.letters,
            dead_letters={"farm": "letters"},
            clock=lambda: AT,
        )
        self.api = TestClient(create_app(CATALOG, store, CATALOG.configured({}), tables))

    def write(self, *rows: dict[str, Any]) -> None:
        assert not self._persist([self._record(row) for row in rows])

    def _record(self, row: dict[str, Any]) -> StreamRecord:
        number = str(next(self._numbers))
        data = json.dumps(row).encode()
        return StreamRecord("farm", "aggregates", "s", "shard-0", number, data)

    def total(self, tank: str) -> dict[str, Any]:
        found = self.answer(tank)
        return {name: found[name] for name in ("taken", *STATES, "coldest", "warmest")}

    def answer(self, tank: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/reports/tanks/{tank}", params=query).json()
        return found


@pytest.fixture
def farm(store: DynamoStore) -> _Farm:
    report = FARM.reports[0]
    create_table(
        boto3.client("dynamodb"), TABLES["farm/tanks"], hash_key(report), range_key(report)
    )
    return _Farm(store)


def row(
    period: int, version: int, taken: float, generation: int = 0, tank: str = "a"
) -> dict[str, Any]:
    """Its states and extremes follow from its value, so that they all differ.

    A row of version 0 empties its bucket.
    """
    states = {"level": version / 8 + period, "open": bool(version % 2), "content": f"v{version}"}
    degrees = {"coldest": 20 - taken - period / 300, "warmest": taken - period / 300}
    ranks = {"version": version, "generation": generation}
    measures = {"taken": taken, "visits": version, "guests": 2, **states, **degrees}
    if not version:
        measures = dict.fromkeys(measures)
    return {"tank": tank, "period": period, **measures, **ranks}


ROWS = st.builds(
    lambda bucket, version, generation: (300 * bucket, version, generation),
    st.integers(0, 4),
    st.integers(0, 5),
    st.integers(0, 2),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=st.lists(ROWS, min_size=1, max_size=25), size=st.integers(1, 6))
def test_totals_are_those_of_the_newest_rows_whatever_is_repeated_and_in_whatever_order(
    farm: _Farm, keys: list[tuple[int, int, int]], size: int
) -> None:
    """One row for each (bucket, version, generation): a version is written once."""
    name = str(next(NAMES))  # the tables are those of all examples
    rows = [row(p, v, 0.1 * v + 0.7 * g, g, name) for p, v, g in keys]
    for start in range(0, len(rows), size):
        farm.write(*rows[start : start + size])
        farm.write(*rows[start : start + size])
    newest: dict[int, dict[str, Any]] = {}
    for one in sorted(rows, key=lambda r: (r["generation"], r["version"])):
        newest[one["period"]] = one
    newest = {period: one for period, one in newest.items() if one["version"]}
    if not newest:
        assert farm.api.get(f"/reports/tanks/{name}").status_code == 404
        return
    last = newest[max(newest)]
    exact = sum(Fraction(repr(one["taken"])) for one in newest.values())
    states = {state: last[state] for state in STATES}
    states["coldest"] = min(one["coldest"] for one in newest.values())
    states["warmest"] = max(one["warmest"] for one in newest.values())
    assert farm.total(name) == {"taken": float(exact), **states}
    page = farm.api.get(f"/reports/tanks/{name}/period", params={"period": "DAYS"}).json()
    (found,) = page["rows"]
    assert {**states, "taken": float(exact)}.items() <= found.items()
    times = sum(one["visits"] + one["guests"] for one in newest.values())
    assert found["per_visit"] == farm.answer(name)["per_visit"] == float(exact) / times


def test_a_ratio_is_that_of_the_sums_and_null_where_they_are_nothing(farm: _Farm) -> None:
    """A mean of means would be 1.5: the buckets' own are 2.0 and 1.0."""
    farm.write(row(300, 1, 6.0), row(600, 10, 12.0))
    assert farm.answer("a")["per_visit"] == 18.0 / 15
    assert farm.answer("a", {"from": "600000"})["per_visit"] == 1.0
    assert farm.answer("a", {"from": "1", "to": "2"})["per_visit"] is None


def test_tenths_add_up_to_whole_numbers(farm: _Farm) -> None:
    farm.write(*(row(300 * n, 1, 0.1) for n in range(10)))
    assert farm.total("a")["taken"] == 1.0
    assert farm.api.get("/reports/tanks/a", params={"from": "0"}).json()["taken"] == 1.0


@pytest.mark.parametrize("desc", [True, False])
def test_a_period_has_the_states_of_its_last_bucket_in_either_order(
    farm: _Farm, desc: bool
) -> None:
    farm.write(*(row(300 * n, n + 1, 1.5) for n in range(3)))
    query: dict[str, Any] = {"period": "HOURS", "desc": desc}
    (found,) = farm.api.get("/reports/tanks/a/period", params=query).json()["rows"]
    assert (found["content"], found["taken"]) == ("v3", 4.5)


def test_an_empty_range_has_no_state(farm: _Farm) -> None:
    farm.write(row(300, 1, 1.5))
    found = farm.api.get("/reports/tanks/a", params={"from": "1", "to": "2"}).json()
    assert (found["taken"], found["level"], found["content"]) == (0.0, None, None)
    assert (found["coldest"], found["warmest"]) == (None, None)


def test_a_replay_takes_back_an_extreme(farm: _Farm) -> None:
    farm.write(row(300, 1, 50.0), row(600, 1, 2.0))
    assert farm.total("a")["warmest"] == 49.0
    farm.write(row(300, 1, 1.0, generation=1))
    assert (farm.total("a")["warmest"], farm.total("a")["coldest"]) == (0.0, 16.0)


def test_an_emptied_bucket_is_in_no_report(farm: _Farm) -> None:
    farm.write(row(300, 1, 50.0), row(600, 1, 2.0))
    farm.write(row(600, 0, 0.0, generation=1))
    assert (farm.total("a")["taken"], farm.total("a")["level"]) == (50.0, 300.125)
    query: dict[str, Any] = {"period": "HOURS"}
    rows = farm.api.get("/reports/tanks/a/period", params=query).json()["rows"]
    assert [one["taken"] for one in rows] == [50.0]
    farm.write(row(300, 0, 0.0, generation=1))
    assert farm.api.get("/reports/tanks/a").status_code == 404
    assert farm.api.get("/reports/tanks/a/period", params=query).status_code == 404
    farm.write(row(300, 2, 3.0, generation=2))
    assert (farm.total("a")["taken"], farm.total("a")["content"]) == (3.0, "v2")
    assert not farm.letters.sent


def test_a_row_that_empties_its_bucket_has_no_measures(farm: _Farm) -> None:
    farm.write(row(300, 0, 1.5) | {"taken": 1.5})
    [letter] = farm.letters.sent
    assert (letter["field"], letter["reason"]) == ("taken", "malformed")


def test_a_total_from_before_a_state_was_declared_gets_it_with_the_next_write(farm: _Farm) -> None:
    farm.write(row(300, 1, 1.5), row(600, 2, 1.0))
    client, key = boto3.client("dynamodb"), total_key(FARM.reports[0], "a")
    for name in ("newest", "level", "content", "coldest", "warmest"):
        client.update_item(
            TableName="t-tanks",
            Key=key,
            UpdateExpression="REMOVE #name",
            ExpressionAttributeNames={"#name": name},
        )
    assert farm.total("a")["content"] == "v2"
    farm.write(row(0, 9, 0.5))
    states = {"level": 600.25, "open": False, "content": "v2"}
    extremes = {"coldest": 17.0, "warmest": 0.5}
    assert farm.total("a") == {"taken": 3.0, **states, **extremes}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("taken", "1.5"),
        ("taken", 1e126),
        ("level", True),
        ("open", 1),
        ("content", 7),
        ("coldest", "1"),
    ],
)
def test_what_is_of_another_type_is_a_dead_letter_naming_the_field(
    farm: _Farm, field: str, value: Any
) -> None:
    farm.write({**row(300, 1, 1.5), field: value}, row(600, 1, 2.0))
    assert [(x["reason"], x["field"]) for x in farm.letters.sent] == [("malformed", field)]
    assert farm.total("a")["taken"] == 2.0


def test_the_document_says_what_is_a_number_and_what_may_be_absent(farm: _Farm) -> None:
    components = farm.api.get("/openapi.json").json()["components"]["schemas"]
    fields = components["TankTotals"]["properties"]
    assert fields["taken"]["type"] == "number"
    assert {"type": "null"} in fields["level"]["anyOf"]
    assert [kind["type"] for kind in fields["per_visit"]["anyOf"]] == ["number", "null"]
    assert {"type": "null"} in fields["coldest"]["anyOf"]
