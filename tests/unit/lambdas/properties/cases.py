"""How many cases the property tests try, and what they check of each answer.

A few in `make test`; `make properties` tries 10,000 for each API (SDP_CASES).
"""

from __future__ import annotations

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

CASES = int(os.environ.get("SDP_CASES", "60"))
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


def tried(cases: int) -> Any:
    """Hypothesis' settings for that many cases; a failure is shrunk."""
    return settings(
        max_examples=max(1, cases),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


def schema_of(document: dict[str, Any], app: Any) -> Any:
    """The API as its document describes it; the key and the stage are API Gateway's business."""
    gateways = ("security", "servers")
    found = schemathesis.openapi.from_dict(
        {name: value for name, value in document.items() if name not in gateways}
    )
    found.app = app
    found.config.checks.negative_data_rejection.expected_statuses = REFUSED
    return found
