"""Lambda's event sources of Kinesis: which records a function gets again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.archives import zipped
from tests.emulator.conftest import Client
from tests.emulator.test_functions import ROLE
from tests.local.driver import wait_until

# Appends the texts of each call to the file CALLS; answers the first with ANSWER, in which SECOND
# stands for the second record's number.
HANDLER = """
import base64, json, os
def handler(event, context):
    numbers = [r["kinesis"]["sequenceNumber"] for r in event["Records"]]
    texts = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    is_first = not os.path.exists(os.environ["CALLS"])
    with open(os.environ["CALLS"], "a") as calls:
        calls.write("".join(texts) + "\\n")
    answer = os.environ["ANSWER"] if is_first else "null"
    return json.loads(answer.replace("SECOND", (numbers + numbers)[1]))
"""
_names = (f"source-{n}" for n in itertools.count())
Calls = Callable[..., list[str]]


@pytest.fixture
def calls(client: Client, tmp_path: Path) -> Iterator[Calls]:
    """The calls of a function behind a stream with the records a, b, c and d, then e.

    e comes when the calls before it were these: `first`.
    """
    lambda_, kinesis = client("lambda"), client("kinesis")
    made: list[str] = []

    def run(answer: object, *, first: list[str], reports: bool = True) -> list[str]:
        name, path = next(_names), tmp_path / "calls"
        made.append(name)
        kinesis.create_stream(StreamName=name, ShardCount=1)
        _create(lambda_, name, {"CALLS": str(path), "ANSWER": json.dumps(answer)})
        description = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        lambda_.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=description["StreamARN"],
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"] if reports else [],
        )
        records = [{"Data": text.encode(), "PartitionKey": "key"} for text in "abcd"]
        kinesis.put_records(StreamName=name, Records=records)
        found = lambda: path.read_text().split() if path.exists() else []  # noqa: E731
        wait_until(lambda: found() == first, 60, lambda: f"{found()}")
        kinesis.put_records(StreamName=name, Records=[{"Data": b"e", "PartitionKey": "key"}])
        wait_until(lambda: "e" in "".join(found()), 60, lambda: f"{found()}")
        return found()

    yield run
    for name in made:
        for mapping in lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
        lambda_.delete_function(FunctionName=name)
        kinesis.delete_stream(StreamName=name)


def _create(lambda_: Any, name: str, variables: dict[str, str]) -> None:
    lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(HANDLER)},
        Timeout=60,
        Environment={"Variables": variables},
    )


def test_what_a_function_reports_as_failed_is_delivered_again_from_the_first_on(
    calls: Calls,
) -> None:
    failed = [{"itemIdentifier": "SECOND"}]
    assert calls({"batchItemFailures": failed}, first=["abcd", "bcd"])[2:] == ["e"]


def test_an_invalid_report_is_a_failure_of_the_whole_batch(calls: Calls) -> None:
    failed = [{"itemIdentifier": ""}]
    assert calls({"batchItemFailures": failed}, first=["abcd"] * 2)[2:] == ["e"]


def test_a_mapping_without_reports_takes_every_answer_for_success(calls: Calls) -> None:
    failed = [{"itemIdentifier": "SECOND"}]
    assert calls({"batchItemFailures": failed}, first=["abcd"], reports=False)[1:] == ["e"]
