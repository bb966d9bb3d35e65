"""How many cases the property tests try, and what they check of each answer.

A few in `make test`; `make properties` tries 10,000 for each API (SDP_CASES). A case takes
about 20 ms, most of it Hypothesis' and schemathesis' own work. So they are divided into rounds,
each a test: progress can be seen, and processes share the work.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi

CASES = int(os.environ.get("SDP_CASES", "60"))
ROUND = 500
CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
]
# Where some records of a request are wrong, the others are accepted.
REFUSED = ["400", "404", "405", "413", "415", "207"]


def rounds(cases: int) -> Any:
    """The mark that calls a test with `cases` until all are tried: 1-500, 501-1000 and so on."""
    total = max(1, cases)
    sizes = {
        f"{done + 1}-{min(done + ROUND, total)}": min(ROUND, total - done)
        for done in range(0, total, ROUND)
    }
    return pytest.mark.parametrize("cases", sizes.values(), ids=sizes)


def try_each(
    strategy: SearchStrategy[Any], cases: int, answers: Counter[int], test: Callable[[Any], int]
) -> None:
    """Call `test` with that many cases, which returns the answer's status; a failure is shrunk."""

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(strategy)
    def tried(case: Any) -> None:
        answers[test(case)] += 1

    tried()


def try_operation(operation: Any, mode: GenerationMode, cases: int, answers: Counter[int]) -> None:
    """Try requests that the document allows, or forbids; each must be answered as it says."""

    def answered(case: Any) -> int:
        return int(validated(case).status_code)

    try_each(operation.as_strategy(generation_mode=mode), cases, answers, answered)


def validated(case: Any) -> Any:
    """The answer to a request, which is one that the document has."""
    response = case.call()
    case.validate_response(response, checks=CHECKS)
    return response


def operations(document: dict[str, Any], app: Any) -> dict[str, Any]:
    """The operations of an API by method and path, as its document describes them.

    The key and the stage are API Gateway's business. Schemathesis takes one name from a
    discriminator for each schema, and the others for wrong; the schemas have all names.
    """
    others = ("security", "servers")
    schema = schemathesis.openapi.from_dict(
        {name: _plain(value) for name, value in document.items() if name not in others}
    )
    schema.app = app
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSED
    found = [result.ok() for result in schema.get_all_operations()]
    return {f"{one.method.upper()} {one.path}": one for one in found}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name != "discriminator"}
    return value
