"""What does the ingest handler cost? CPU microseconds a record, by batch size.

`python -m bench.ingest`: an API Gateway event in, its response out, against a Kinesis client
that does the least. Exits 1 when a batch of 100 costs more than the limit.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import usecases
from glue import Schema
from glue.targets.openapi import example
from lambdas.adapters import clock
from lambdas.adapters.kinesis import KinesisStream
from lambdas.ingest.app import create_app

SIZES = (1, 10, 100, 500)
LIMIT_SIZE, LIMIT_MICROSECONDS = 100, 60.0
SECONDS = 2.0
WARM_UP = 200


class LeastKinesis:
    """Answers PutRecords as Kinesis does, and keeps nothing."""

    def put_records(self, **request: Any) -> dict[str, Any]:
        """All stored."""
        return {"FailedRecordCount": 0, "Records": [{} for _ in request["Records"]]}


def gateway_event(body: str) -> dict[str, Any]:
    """What API Gateway hands to the function for a POST to /events."""
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Host": "api.example.com",
        "User-Agent": "bench",
        "x-api-key": "key",
        "X-Forwarded-For": "192.0.2.1",
    }
    return {
        "resource": "/{proxy+}",
        "path": "/events",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "v1", "path": "/v1/events", "httpMethod": "POST"},
        "body": body,
        "isBase64Encoded": False,
    }


def body(events: tuple[Schema, ...], size: int) -> str:
    """Full records of every event, by turns."""
    whole = [example(schema) for schema in events]
    return json.dumps([{**whole[n % len(whole)], "event_id": str(n)} for n in range(size)])


def measure(call: Callable[[], Any], records: int) -> tuple[float, float]:
    """CPU microseconds a record, and records a second."""
    for _ in range(max(3, WARM_UP // records)):
        call()
    gc.collect()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < SECONDS:
        call()
        calls += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return cpu / (calls * records) * 1e6, calls * records / wall


def main() -> int:
    """Print the table; 1 when the limit is broken."""
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "SDP")
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
    from lambdas.ingest import handler  # reads the names above

    catalog = usecases.load()
    stream = KinesisStream(LeastKinesis())  # type: ignore[arg-type]  # only put_records is called
    app = create_app(catalog=catalog, stream=stream, clock=clock.now)
    respond = handler.compose(app)
    sys.stdout.write(f"{'batch':>6} {'µs a record':>12} {'records/s':>12}\n")
    costs: dict[int, float] = {}
    for size in SIZES:
        event = gateway_event(body(catalog.use_cases[0].events, size))
        if (answer := respond(event, None))["statusCode"] != 202:
            raise SystemExit(f"refused: {answer['body'][:500]}")
        costs[size], rate = measure(lambda event=event: respond(event, None), size)  # type: ignore[misc]
        sys.stdout.write(f"{size:>6} {costs[size]:>12.1f} {rate:>12,.0f}\n")
    return int(costs[LIMIT_SIZE] >= LIMIT_MICROSECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
