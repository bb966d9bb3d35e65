"""The samples are what ingestion takes."""

import json

import pytest

import usecases
from glue.targets.pydantic import event_model

MACHINES = usecases.load().use_case("machines")
(MEASUREMENT,) = MACHINES.events
FILES = sorted((MACHINES.folder / "samples").iterdir())
LINES = [line for path in FILES for line in path.read_text().splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_a_sample_is_a_valid_event(line):
    event_model(MEASUREMENT).model_validate(json.loads(line))


def test_there_is_one_of_the_event_and_a_few_together():
    assert [path.name for path in FILES] == ["events.ndjson", "measurement.json"]
