"""Random queries of a report through the public API; `SDP_QUERIES=1000` asks that many."""

from __future__ import annotations

import base64
import json
import os
from random import Random
from typing import Any

import httpx
import pytest

from tests import report_queries
from tests.local.driver import Driver, auctions
from tests.report_queries import Bucket

CASES = int(os.environ.get("SDP_QUERIES", "20"))
MEASURES = ("bids", "impressions", "clicks", "spend")


@pytest.fixture
def campaign(driver: Driver) -> tuple[int, dict[int, Bucket]]:
    """A campaign with buckets over 16 years, stored as if the result stream had brought them."""
    random, campaign = Random(f"buckets {report_queries.SEED}"), auctions(0).campaign
    buckets = report_queries.made_buckets(random, 300, MEASURES)
    rows = [
        {"campaign_item_id": campaign, "period": at, **bucket, "version": 1, "generation": 0}
        for at, bucket in buckets.items()
    ]
    for start in range(0, len(rows), 100):
        driver.invoke("PersistFunction", _event(driver, rows[start : start + 100]))
    return campaign, buckets


def _event(driver: Driver, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """As Lambda reads the stream of aggregates."""
    stream = f"{driver.prefix}aggregates"
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"
    return {"Records": [_record(arn, number, row) for number, row in enumerate(rows)]}


def _record(arn: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": f"shardId-000000000000:{number}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": arn,
        "kinesis": {
            "partitionKey": "k",
            "sequenceNumber": str(number),
            "data": base64.b64encode(json.dumps(row).encode()).decode(),
        },
    }


def test_random_queries_answer_what_the_buckets_say(
    driver: Driver, campaign: tuple[int, dict[int, Bucket]]
) -> None:
    number, buckets = campaign
    headers = {"x-api-key": driver.key}
    with httpx.Client(base_url=driver.reports, headers=headers, timeout=60) as http:

        def ask(path: str, fields: dict[str, Any]) -> httpx.Response:
            return http.get(f"{driver.reports}/reports/campaigns/{path}", params=fields)

        compared = report_queries.check(ask, str(number), buckets, CASES)
    print(f"\nSDP_SEED={report_queries.SEED}: {dict(compared)}")
    assert compared["questions"] == CASES
