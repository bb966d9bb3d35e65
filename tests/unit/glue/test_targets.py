"""The renderings that are pure: JSON Schema, Glue columns, the catalogue."""

from datetime import datetime
from typing import Annotated

from annotated_types import Ge, Interval, MaxLen

import usecases
from glue import event, schema_of
from glue.targets.gluetable import glue_columns
from glue.targets.jsonschema import json_schema, stream_columns
from glue.targets.markdown import catalogue


class _Place:
    gate: Annotated[str, "Which gate."]
    level: Annotated[int, "Which floor."]


@event(key="id", stream="passes")
class Pass:
    """Somebody passed."""

    id: Annotated[str, MaxLen(9), "Whose card."]
    count: Annotated[int, Ge(0), "How many."]
    share: Annotated[float, Interval(ge=0, le=1), "Part of them."]
    paid: Annotated[bool, "Whether they paid."]
    at: Annotated[datetime | None, "When."] = None
    place: Annotated[_Place | None, "Where."] = None


SCHEMA = schema_of(Pass)


def test_glue_columns_have_hive_types_and_comments():
    columns = glue_columns(SCHEMA.columns)
    assert [(c.name, c.type) for c in columns] == [
        ("id", "string"),
        ("count", "bigint"),
        ("share", "double"),
        ("paid", "boolean"),
        ("at", "timestamp"),
        ("place", "struct<gate:string,level:bigint>"),
    ]
    assert columns[0].comment == "Whose card."


def test_json_schema_has_limits_formats_and_what_is_required():
    found = json_schema(SCHEMA)
    fields = found["properties"]
    assert fields["id"] == {"type": "string", "maxLength": 9, "description": "Whose card."}
    assert fields["count"]["minimum"] == 0
    assert "maximum" not in fields["count"]
    assert (fields["share"]["minimum"], fields["share"]["maximum"]) == (0, 1)
    assert fields["at"]["format"] == "date-time"
    assert fields["place"]["required"] == ["gate", "level"]
    assert {"event_id", "occurred_at", "received_at", "id"} <= set(found["required"])
    assert "at" not in found["required"]


def test_a_report_on_its_stream_carries_version_and_generation():
    (campaigns,) = usecases.load().use_case("adtech").reports
    assert [c.name for c in stream_columns(campaigns)][-2:] == ["version", "generation"]


def test_the_catalogue_names_every_field_of_every_definition():
    catalog = usecases.load()
    page = catalogue(catalog)
    for use_case in catalog.use_cases:
        for schema in use_case.schemas:
            assert f"### {schema.name}" in page
            assert all(f"`{name}`" in page for name in schema.names)
    assert "`POST /imp` or `POST /impression`" in page
