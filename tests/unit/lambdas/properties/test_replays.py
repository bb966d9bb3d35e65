"""Replays of dead letters, tried with requests that the document describes and that it does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from lambdas.openapi import whole
from tests.unit.lambdas.dashboard.lake import CATALOG
from tests.unit.lambdas.dashboard.test_replays import Platform
from tests.unit.lambdas.properties.cases import CASES, operations, rounds, try_each, try_operation

PLATFORM = Platform()
PLATFORM.lake.database.execute("ALTER TABLE parquet_levels ADD received_at TIMESTAMP")
PLATFORM.lake.database.execute(
    "CREATE TABLE parquet_readings (type VARCHAR, event_id VARCHAR, machine VARCHAR,"
    " occurred_at TIMESTAMP, received_at TIMESTAMP, date VARCHAR)"
)
IDS = [f"l{n}" for n in range(4)]
for n, id_ in enumerate(IDS):
    PLATFORM.letter(id_, {"watts": n - 1}, reason="malformed" if n % 2 else "late")
PLATFORM.letter("bytes", b"\xff")
WHOLE = whole(CATALOG)


def _of_the_factory(operation: Any) -> Any:
    if not isinstance(operation, dict) or "parameters" not in operation:
        return operation
    own = [p for p in operation["parameters"] if p["name"] != "use_case"]
    return {**operation, "parameters": own}


PATHS = {
    path.replace("{use_case}", "factory"): {k: _of_the_factory(v) for k, v in item.items()}
    for path, item in WHOLE["paths"].items()
    if "/replay" in path
}
OPERATIONS = operations({**WHOLE, "paths": PATHS}, PLATFORM.client.app)
SHARE = CASES // (3 * len(OPERATIONS)) + 1

ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
RECORDS = st.dictionaries(st.sampled_from(["watts", "machine", "event_id", "type", ""]), ANY)
CHOSEN = st.builds(
    lambda id_, more: {"id": id_, **more},
    st.sampled_from([*IDS, "bytes"]) | st.text(max_size=8) | ANY,
    st.just({}) | RECORDS.map(lambda record: {"record": record}),
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "dry_run": st.booleans(),
        "letters": st.lists(CHOSEN, max_size=3),
        "reason": st.sampled_from(["late", "malformed", "none"]),
        "from": st.sampled_from(["2026-03-01T00:00:00Z", "1772452800000", "x", None]),
        "limit": st.integers(-1, 101),
        "next": ANY,
    },
)


@rounds(SHARE)
def test_any_request_is_answered_and_no_letter_is_accepted_twice(
    cases: int, answers: Counter[int]
) -> None:
    def post(body: Any) -> int:
        response = PLATFORM.client.post("/dead-letters/factory/replay", json=body)
        assert response.status_code in (200, 400), response.text
        accepted = [r for r in PLATFORM.public.sent if r.get("watts", 0) > 0]
        assert len(accepted) <= len(IDS) + 1
        return int(response.status_code)

    try_each(BODIES, cases, answers, post)


@rounds(SHARE)
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_made_from_the_document_is_answered_as_it_says(
    name: str, mode: GenerationMode, cases: int, answers: Counter[int]
) -> None:
    try_operation(OPERATIONS[name], mode, cases, answers)
