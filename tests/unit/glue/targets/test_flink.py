"""Flink SQL from definitions."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Le, MaxLen, MinLen

from glue import SchemaError, UseCase, event, schema_of
from glue.targets import flink

DELAY = timedelta(seconds=5)


class Place:
    floor: Annotated[int, "Which floor."]


@event(key="machine", stream="readings")
class Reading:
    """A machine was read."""

    machine: Annotated[str, MinLen(1), MaxLen(9), "The machine."]
    celsius: Annotated[float | None, Ge(-40.0), Le(150.0), "Temperature."] = None
    count: Annotated[int, Ge(0), "Pieces made."]
    open: Annotated[bool, "The door is open."]
    at: Annotated[datetime, "When it was read."]
    place: Annotated[Place | None, "Where it stands."] = None


def test_each_type_has_its_flink_type():
    types = {c.name: flink.flink_type(c.type) for c in schema_of(Reading).columns}
    assert types == {
        "machine": "STRING",
        "celsius": "DOUBLE",
        "count": "BIGINT",
        "open": "BOOLEAN",
        "at": "TIMESTAMP_LTZ(3)",
        "place": "ROW<`floor` BIGINT>",
    }


def test_what_a_declaration_limits_is_a_line_for_each_check():
    lines = flink.check_lines([schema_of(Reading)]).splitlines()
    assert lines[0] == "* occurred_at ahead 310000 is in the future of its arrival"
    assert [line for line in lines if not line.startswith("* ")] == [
        "reading machine required - is required",
        "reading machine min-length 1 is shorter than 1",
        "reading machine max-length 9 is longer than 9",
        "reading celsius min -40.0 is less than -40.0",
        "reading celsius max 150.0 is greater than 150.0",
        "reading count required - is required",
        "reading count min 0 is less than 0",
        "reading open required - is required",
        "reading at required - is required",
    ]


def test_one_name_with_two_types_on_one_stream_is_refused():
    @event(key="machine", stream="readings")
    class Alarm:
        """A machine called."""

        machine: Annotated[str, "The machine."]
        count: Annotated[str, "How often, in words."]

    with pytest.raises(SchemaError, match=r"Alarm\.count: STRING here, BIGINT in Reading"):
        flink.union_of([schema_of(Reading), schema_of(Alarm)])


def test_the_origin_of_a_record_is_metadata_only_where_the_connector_has_it():
    use_case = UseCase("machines", "Machines.", Path(), (Reading,))
    options = {"connector": "x"}
    assert "METADATA FROM 'shard-id' VIRTUAL" in flink.source_table(
        use_case, "readings", options, metadata=True, delay=DELAY
    )
    assert "METADATA" not in flink.source_table(
        use_case, "readings", options, metadata=False, delay=DELAY
    )


def test_quotes_in_an_option_stay_inside_it():
    assert "'it''s'" in flink.sink_table("x", [("a", "STRING")], {"path": "it's"})


def test_a_record_is_held_to_the_time_of_its_arrival_and_neither_time_of_its_own():
    use_case = UseCase("machines", "Machines.", Path(), (Reading,))
    rule = (
        "`occurred_at` > COALESCE(`arrival_timestamp`, `received_at`)"
        " + INTERVAL '5:10' MINUTE TO SECOND"
    )
    table = flink.source_table(use_case, "readings", {}, metadata=True, delay=DELAY)
    assert f"OR {rule}\n" in table
    assert flink.check_lines(use_case.events).startswith("* occurred_at ahead 310000 ")
