"""Every column type is stored in its wire form, whatever the use case."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

from glue import Catalog, UseCase, event
from tests.unit.lambdas.ingest.gateway import Gateway


class Place:
    """Where it stands."""

    hall: Annotated[str, "The hall."]
    row: Annotated[int | None, "The row."] = None
    since: Annotated[datetime | None, "Since when."] = None


@event(key="machine", stream="readings")
class Reading:
    """A machine was read."""

    machine: Annotated[int, "The machine."]
    watts: Annotated[float, "Power."]
    on: Annotated[bool, "Was it on?"]
    place: Annotated[Place, "Where it stands."]


FACTORY = UseCase("factory", "Machines.", Path(), (Reading,))
API = Gateway(Catalog((FACTORY,)))


def test_nested_groups_and_times_are_in_wire_form() -> None:
    place = {"hall": "b", "since": "2026-11-21T11:00:00+02:00"}
    sent = {"machine": 7, "watts": 1.5, "on": False, "place": place}
    answer = API.post("/reading", sent)
    assert answer.status == 202, answer.body
    ((stream, entry),) = API.stream.entries
    assert (stream, entry.key) == ("factory/readings", "7")
    stored = json.loads(entry.data)
    assert stored["place"] == {"hall": "b", "since": "2026-11-21T09:00:00.000Z"}
    assert (stored["watts"], stored["on"]) == (1.5, False)


def test_an_unknown_field_of_a_group_is_named_by_its_whole_path() -> None:
    place = {"hall": "b", "colour": "red"}
    sent = {"machine": 7, "watts": 1.5, "on": False, "place": place}
    (result,) = API.post("/reading", sent).body["results"]
    assert result["error"]["field"] == "/place/colour"
    assert "colour" in result["error"]["message"]


def test_a_record_beyond_256_kib_is_refused_by_its_largest_field() -> None:
    place = {"hall": "x" * 300_000}
    sent = {"machine": 7, "watts": 1.5, "on": False, "place": place}
    answer = API.post("/reading", sent)
    (result,) = answer.body["results"]
    assert (answer.status, result["error"]["code"]) == (400, "too_large")
    assert result["error"]["field"] == "/place"
