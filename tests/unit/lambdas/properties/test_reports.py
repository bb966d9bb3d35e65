"""Reports, tried with every combination of their parameters: valid, at the limits, and wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from httpx import Response
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from glue.targets.dynamodb import Item
from lambdas.http.queries import Problem
from lambdas.reports.answers import periods_model, totals_model
from lambdas.reports.calendar import Unit
from lambdas.reports.questions import END, zones
from tests.unit.lambdas.made_up import FACTORY
from tests.unit.lambdas.properties.cases import CASES, operations, rounds, try_each, validated
from tests.unit.lambdas.reports.memory import Memory, client, epoch

REPORT = next(report for report in FACTORY.reports if report.path == "machines")
TOTALS, PERIODS = totals_model(REPORT), periods_model(REPORT)
YEAR = epoch("2026-01-01")
BUCKETS = {YEAR + n * 61_200 // 300 * 300: n for n in range(1, 40)}
EDGES = {0: 1, 300: 2, epoch("2200-02-28T23:55"): 3}


class Store(Memory):
    """Of the other report, whose keys are integers, there is no bucket."""

    def items(
        self, table: str, key: tuple[str, Any], between: tuple[str, int, int], **order: bool
    ) -> Iterator[Item]:
        return iter(()) if table == "t-sites" else super().items(table, key, between, **order)


API = client(Store(BUCKETS | EDGES, datetime(2026, 2, 1, tzinfo=UTC)))

SECONDS = st.sampled_from([0, 1, END - 1, END]) | st.integers(0, END)
NEAR = st.integers(YEAR - 86_400, YEAR + 60 * 86_400)
OFFSETS = st.sampled_from(["Z", "+00:00", "-00:00", "+05:45", "-23:59", "+23:59", " 01:00"])


@st.composite
def times(draw: st.DrawFn) -> str:
    """A time in either form, mostly near the buckets; its offset may put it out of range."""
    moment = datetime.fromtimestamp(draw(NEAR | SECONDS), UTC)
    if draw(st.booleans()):
        return str(int(moment.timestamp() * 1000))
    fraction = draw(st.sampled_from(["", ".5", ".999", ".9999999"]))
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + draw(OFFSETS)


WRONG = st.text(max_size=12) | st.sampled_from(
    ["", "0", "-1", "1795251600", "9" * 30, "2016-12-31T23:59:60Z", "9999-12-31T23:59:59.999Z",
     "0001-01-01T00:00:00+23:59", "NaN", "null", "\0", "../x", "é" * 20]
)  # fmt: skip
VALUES: dict[str, st.SearchStrategy[str]] = {
    "from": times(),
    "to": times(),
    "period": st.sampled_from([u.value for u in Unit] + [u.value.lower() for u in Unit]),
    "timezone": st.sampled_from(sorted(zones())),
    "desc": st.sampled_from(["true", "false", "1", "0", "yes"]),
    "limit": st.integers(1, 1000).map(str) | st.sampled_from(["1", "2", "1000"]),
    "next": st.binary(min_size=20, max_size=20).map(lambda b: b.hex()[:28]),
}


@st.composite
def queries(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Any set of parameters; sometimes one is wrong, unknown or given twice."""
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True))
    pairs = [(name, draw(VALUES[name])) for name in names if name != "next" or draw(st.booleans())]
    match draw(st.integers(0, 9)):
        case 0:
            pairs.append((draw(st.sampled_from(sorted(VALUES))), draw(WRONG)))
        case 1 if pairs:
            pairs.append(draw(st.sampled_from(pairs)))
        case 2:
            pairs.append((draw(st.text(max_size=5)), draw(WRONG)))
    return draw(st.permutations(pairs))


KEYS = st.sampled_from(["m"] * 8 + ["x", "é", "%", " ", "a/b"])


def _get(path: str, query: list[tuple[str, str]], model: Any) -> Response:
    """An answer that is valid, or whose problem document is."""
    response = API.get(f"{path}?{urlencode(query)}")
    assert response.status_code in (200, 400, 404), response.text
    if response.status_code == 200:
        assert response.headers["content-type"] == "application/json"
        model.model_validate_json(response.content, strict=True)
        assert list(response.json()) == list(model.model_fields)
        return response
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(response.content, strict=True)
    assert problem.status == response.status_code
    assert (problem.parameter is not None) == (problem.status == 400)
    return response


@rounds(CASES)
def test_every_answer_is_a_documented_one_and_rows_add_up_to_totals(
    cases: int, answers: Counter[int]
) -> None:
    try_each(st.tuples(KEYS, queries()), cases, answers, lambda case: _adds_up(*case))


def _adds_up(key: str, query: list[tuple[str, str]]) -> int:
    """The status of a report by period, whose pages and totals are checked too."""
    path = f"/reports/machines/{quote(key, safe='')}"
    page = _get(f"{path}/period", query, PERIODS)
    ranged = [(name, value) for name, value in query if name in ("from", "to")]
    totals = _get(path, ranged, TOTALS)
    strange = [name for name, _ in query if name not in ("from", "to")]
    if strange:
        assert _get(path, query, TOTALS).status_code != 200
    if page.status_code != 200:
        return page.status_code
    rows, following = page.json()["rows"], page.json()["next"]
    starts = [epoch(row["period_start"]) for row in rows]
    is_descending = dict(query).get("desc") in ("true", "1", "yes")
    assert starts == sorted(set(starts), reverse=is_descending)
    assert len(starts) <= int(dict(query).get("limit", "100"))
    if following is None:
        assert sum(row["readings"] for row in rows) == totals.json()["readings"]
    else:
        again = [(name, value) for name, value in query if name != "next"]
        assert _get(f"{path}/period", [*again, ("next", following)], PERIODS).json()["rows"]
    return 200


OPERATIONS = operations(API.app.openapi(), API.app)
SHARE = CASES // (2 * len(OPERATIONS))


@rounds(SHARE)
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_made_from_the_document_is_answered_as_it_says(
    name: str, mode: GenerationMode, cases: int, answers: Counter[int]
) -> None:
    def answered(case: Any) -> int:
        if mode == GenerationMode.POSITIVE and "machines" in name:
            case.path_parameters["key"] = "m"  # a key that there is
        return int(validated(case).status_code)

    try_each(OPERATIONS[name].as_strategy(generation_mode=mode), cases, answers, answered)
