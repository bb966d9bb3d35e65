"""The samples are what ingestion takes."""

import json
from pathlib import Path

import pytest

import usecases
from glue.targets.pydantic import event_model

SAMPLES = usecases.load().use_case("shopping").folder / "samples"
EVENTS = {n: e for e in usecases.load().use_case("shopping").events for n in (e.type, *e.aliases)}
LINES = [line for path in sorted(SAMPLES.iterdir()) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_a_sample_is_a_valid_event(line):
    event = json.loads(line)
    event_model(EVENTS[event["type"]]).model_validate(event)


def test_there_is_a_sample_of_each_type():
    assert {EVENTS[json.loads(line)["type"]].type for line in LINES} == {
        "acceptance",
        "balance",
        "customer",
        "page-view",
        "transaction",
    }
    assert Path(SAMPLES / "events.ndjson").is_file()
