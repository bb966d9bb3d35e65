"""A use case brings its streams and tables with it; a trial leaves nothing behind."""

from pathlib import Path
from typing import Annotated, Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import usecases
from glue import Catalog, UseCase, event, report
from infra.constructs.streams import Streams
from infra.constructs.tables import Tables
from infra.settings import Settings
from infra.topology import Topology, to_setting


@event(key="machine", stream="readings")
class Reading:
    """What a machine measured."""

    machine: Annotated[str, "The machine."]


@report(path="machines", key="machine", period="hour")
class Machine:
    """How often a machine measured."""

    machine: Annotated[str, "The machine."]
    hour: Annotated[int, "Start of the bucket."]
    readings: Annotated[int, "Readings."]


MACHINES = UseCase("machines", "Machines.", Path(), (Reading, Machine))


@pytest.fixture(scope="module")
def trial() -> dict[str, Any]:
    settings = Settings.parse({"removal": "destroy", "streamShards": "on-demand"})
    topology = Topology("try", Catalog((MACHINES,)))
    stack = cdk.Stack(cdk.App(), "trial")
    Streams(stack, "Streams", streams=topology.streams, settings=settings)
    Tables(stack, "Tables", topology=topology, settings=settings)
    return dict(Template.from_stack(stack).to_json()["Resources"])


def test_another_use_case_adds_its_streams_and_tables() -> None:
    catalog = Catalog((*usecases.load(("adtech",)).use_cases, MACHINES))
    before, after = Topology("sdp", usecases.load(("adtech",))), Topology("sdp", catalog)
    added = {s.name for s in after.streams} - {s.name for s in before.streams}
    assert added == {
        f"sdp-machines-{n}" for n in ("readings", "aggregates", "progress", "dead-letters")
    }
    assert [t.name for t in after.tables if t not in before.tables] == ["sdp-machines-machines"]


def test_a_setting_is_compact_json_by_use_case_and_stream() -> None:
    names = {s.key: s.name for s in Topology("sdp", usecases.load(("adtech",))).event_streams}
    assert to_setting(names) == '{"adtech/bcns":"sdp-adtech-bcns"}'


def test_a_text_key_is_a_text_attribute(trial: dict[str, Any]) -> None:
    definitions = [
        r["Properties"]["AttributeDefinitions"]
        for r in trial.values()
        if r["Properties"].get("TableName") == "try-machines-machines"
    ]
    types = {a["AttributeName"]: a["AttributeType"] for a in definitions[0]}
    assert types == {"machine": "S", "hour": "N"}


def test_a_trial_takes_its_data_with_it(trial: dict[str, Any]) -> None:
    assert {r["DeletionPolicy"] for r in trial.values()} == {"Delete"}


def test_streams_can_be_on_demand(trial: dict[str, Any]) -> None:
    streams = [r["Properties"] for r in trial.values() if r["Type"] == "AWS::Kinesis::Stream"]
    modes = {s["Name"]: s["StreamModeDetails"]["StreamMode"] for s in streams}
    assert modes.pop("try-machines-progress") == "PROVISIONED"
    assert set(modes.values()) == {"ON_DEMAND"}
    assert len(modes) == 3
    assert [s["ShardCount"] for s in streams if "ShardCount" in s] == [1]


def test_results_have_as_many_shards_as_events_unless_they_are_given_their_own() -> None:
    assert Settings.parse({"streamShards": "40"}).result_shards == 40
    found = Settings.parse({"streamShards": "40", "resultShards": "on-demand"})
    assert (found.shards, found.result_shards) == (40, 0)
