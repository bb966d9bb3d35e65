"""Topics are declared with a use case; wrong ones are refused when it is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

from glue import Catalog, CatalogError, SchemaError, UseCase, event
from glue.mqtt import Mqtt, TopicError


@event(key="sensor", stream="readings", identity=("sensor", "kind"))
class Reading:
    """Something was read."""

    sensor: Annotated[str, "The sensor."]
    kind: Annotated[str, "What."]
    level: Annotated[float, "How much."]


@event(key="sensor", stream="others")
class Other:
    """Something else."""

    sensor: Annotated[str, "The sensor."]


def use_case(topic: str, name: str = "readings", **changed: Any) -> UseCase:
    """A use case with a topic."""
    mqtt = Mqtt(**{"event": Reading, "topic": topic, "value": "level", **changed})
    return UseCase(name, "Readings.", Path(), (Reading,), mqtt=mqtt)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("{sensor}/{kind}", "at least one fixed level"),
        ("readings", "at least one fixed level"),
        ("readings/{sensor}/all/{kind}", "give fixed levels"),
        ("read ings/{sensor}", "give fixed levels"),
        ("$aws/{sensor}", "give fixed levels"),
        ("readings/{level}", "give a text field"),
        ("a/b/c/d/e/f/g/{sensor}/{kind}", "at most 8 levels"),
    ],
)
def test_a_wrong_topic_is_refused_by_name(topic: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        use_case(topic)


def test_fields_and_events_are_those_of_the_use_case() -> None:
    with pytest.raises(SchemaError, match="'machine' is not a field"):
        use_case("readings/{machine}")
    with pytest.raises(CatalogError, match="'Other' is not one of its events"):
        use_case("readings/{sensor}", event=Other)


def test_topics_of_two_use_cases_do_not_overlap() -> None:
    @event(key="sensor", stream="more")
    class More:
        """More."""

        sensor: Annotated[str, "The sensor."]
        level: Annotated[float, "How much."]

    other = UseCase(
        "more", "More.", Path(), (More,), mqtt=Mqtt(More, "readings/old/{sensor}", "level")
    )
    with pytest.raises(CatalogError, match="give each use case its own"):
        Catalog((use_case("readings/{sensor}"), other))


def test_a_topic_with_one_field_has_one_form() -> None:
    mqtt = use_case("readings/{sensor}").mqtt
    assert mqtt and mqtt.forms == ("readings/{sensor}",)
    assert list(mqtt.events("readings/a", {"kind": "k", "level": 1.0})) == [
        ("", {"sensor": "a", "kind": "k", "level": 1.0})
    ]
    with pytest.raises(TopicError, match="topic readings is unknown"):
        list(mqtt.events("readings", {}))


@pytest.mark.parametrize("sensor", ["", "a/b", "a+", "#"])
def test_what_is_no_level_of_a_topic_is_not_sent(sensor: str) -> None:
    mqtt = use_case("readings/{sensor}/{kind}").mqtt
    assert mqtt
    with pytest.raises(TopicError, match="cannot be a level of a topic"):
        mqtt.message({"sensor": sensor, "kind": "k", "level": 1.0})


def test_an_identity_is_made_of_required_fields() -> None:
    with pytest.raises(SchemaError, match="is part of the identity"):

        @event(key="a", stream="s", identity=("b",))
        class Loose:
            """Loose."""

            a: Annotated[str, "A."]
            b: Annotated[str | None, "B."] = None
