"""Random queries of a report, each answer against one that is worked out in another way."""

from __future__ import annotations

import os
from random import Random
from typing import Any

from httpx import Response

from tests import report_queries
from tests.unit.lambdas.reports.memory import Memory, client

CASES = int(os.environ.get("SDP_QUERIES", "60"))


def test_random_queries_answer_what_the_buckets_say() -> None:
    seed = report_queries.SEED
    made = report_queries.made_buckets(Random(f"buckets {seed}"), 150, ("readings",))
    readings = {at: bucket["readings"] for at, bucket in made.items()}
    buckets = {at: {"readings": count, "watts": -count} for at, count in readings.items()}
    api = client(Memory(readings), AggregationPeriod="PT1M")

    def ask(path: str, fields: dict[str, Any]) -> Response:
        return api.get(f"/reports/machines/{path}", params=fields)

    compared = report_queries.check(ask, "m", buckets, CASES, seed)
    assert compared["questions"] == CASES
    assert compared["rows"] > CASES
