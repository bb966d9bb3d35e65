"""A report's table: its key, and rows as items and back."""

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

from glue import (
    Boolean,
    Column,
    Double,
    Integer,
    SchemaError,
    String,
    Struct,
    Timestamp,
    report,
    schema_of,
)
from glue.targets.dynamodb import KeyAttribute, attribute, hash_key, item, range_key, row, value


@report(path="machines", key="machine", period="bucket")
class Machine:
    """Readings of a machine."""

    machine: Annotated[str, "The machine."]
    bucket: Annotated[int, "Start of the bucket, epoch seconds."]
    readings: Annotated[int, "Readings taken."]


@report(path="switches", key="on", period="bucket")
class Switch:
    """A report that no table can hold."""

    on: Annotated[bool, "Its state."]
    bucket: Annotated[int, "Start of the bucket, epoch seconds."]


def test_a_table_is_keyed_by_the_reports_key_and_its_bucket() -> None:
    schema = schema_of(Machine)
    assert hash_key(schema) == KeyAttribute("machine", "S")
    assert range_key(schema) == KeyAttribute("bucket", "N")


def test_a_key_that_dynamodb_does_not_take_is_refused_by_name() -> None:
    with pytest.raises(SchemaError, match=r"Switch\.on: a table is not keyed by Boolean"):
        hash_key(schema_of(Switch))


def test_an_item_holds_the_row_and_its_version() -> None:
    schema = schema_of(Machine)
    found = {"machine": "m", "bucket": 300, "readings": 2}
    stored = item(schema, {**found, "version": 2, "generation": 0, "more": "x"})
    assert stored["version"] == {"N": "2"}
    assert set(stored) == {"machine", "bucket", "readings", "version", "generation"}
    assert row(schema, stored) == found


POINT = Struct((Column("x", Integer(), True, "x."), Column("y", Integer(), False, "y.")))


@pytest.mark.parametrize(
    ("kind", "python", "stored"),
    [
        (String(), "ä", {"S": "ä"}),
        (Integer(), -(2**63), {"N": "-9223372036854775808"}),
        (Double(), 0.1, {"N": "0.1"}),
        (Boolean(), False, {"BOOL": False}),
        (Timestamp(), datetime(2026, 3, 1, 10, 0, 0, 5000, UTC), {"N": "1772359200005"}),
        (POINT, {"x": 1}, {"M": {"x": {"N": "1"}}}),
    ],
)
def test_every_type_comes_back_as_it_went(kind: Any, python: Any, stored: Any) -> None:
    assert attribute(kind, python) == stored
    assert value(kind, stored) == python
