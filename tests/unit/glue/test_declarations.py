"""Declarations: right ones become schemas; wrong ones fail at import and say what to write."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Gt, Interval, Le, Len, MaxLen, MinLen

from glue import (
    Boolean,
    Catalog,
    CatalogError,
    Double,
    Integer,
    Latest,
    Maximum,
    Minimum,
    Ratio,
    SchemaError,
    String,
    Struct,
    Timestamp,
    UseCase,
    event,
    fields_of,
    record,
    report,
    schema_of,
)
from glue.parameters import Duration, Parameter, Role
from glue.types import Fold

Id = Annotated[str, "Which one."]
Bucket = Annotated[int, "Start of the bucket."]


def test_annotations_become_columns_in_order():
    class Place:
        gate: Annotated[str, "Which gate."]

    @event(key="id", stream="passes", aliases=("passage",))
    class Pass:
        """Somebody passed."""

        id: Annotated[str, MinLen(1), MaxLen(9), "Whose card."]
        code: Annotated[str, Len(2, 4), "Short code."]
        count: Annotated[int, Ge(0), Le(5), "How many."]
        share: Annotated[float, Interval(ge=0, le=1), "Part of them."]
        paid: Annotated[bool, "Whether they paid."]
        at: Annotated[datetime | None, "When."] = None
        place: Annotated[Place | None, "Where."] = None

    schema = schema_of(Pass)
    assert (schema.type, schema.aliases, schema.key) == ("pass", ("passage",), "id")
    assert [(c.name, c.type, c.required) for c in schema.columns[:6]] == [
        ("id", String(1, 9), True),
        ("code", String(2, 4), True),
        ("count", Integer(0, 5), True),
        ("share", Double(0, 1), True),
        ("paid", Boolean(), True),
        ("at", Timestamp(), False),
    ]
    assert isinstance(schema.column("place").type, Struct)
    assert schema.column("at").doc == "When."


def test_a_declared_class_is_frozen_and_made_by_keyword():
    @record(key="id", stream="out")
    class Row:
        """A row."""

        id: Id

    row = Row(id="a")
    with pytest.raises(AttributeError):
        row.id = "b"


def _declare(**annotations):
    """An event of these fields beside `id`."""
    body = {"__doc__": "Something.", "__annotations__": {"id": Id, **annotations}}
    return event(key="id", stream="s")(type("Thing", (), body))


WRONG = {
    "names are lower case": {"BadName": Annotated[str, "A name."]},
    "a union may only add None": {"mixed": Annotated[str | int, "Either."]},
    "needs one sentence saying what it is; got []": {"mute": str},
    "needs one sentence saying what it is; got ['a', 'b']": {"two": Annotated[str, "a", "b"]},
    "is not one of str, int, float, bool, datetime": {"many": Annotated[list[str], "Some."]},
    "does not limit a str; use MinLen, MaxLen": {"name": Annotated[str, Ge(1), "A name."]},
    "does not limit a number; use Ge, Le": {"n": Annotated[int, Gt(0), "A number."]},
    "belong to every event already": {"occurred_at": Annotated[datetime, "When."]},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_field_is_refused_by_name(message):
    with pytest.raises(SchemaError) as refused:
        _declare(**WRONG[message])
    assert message in str(refused.value)
    assert "Thing" in str(refused.value)
    assert next(iter(WRONG[message])) in str(refused.value)


def test_a_key_that_is_no_field_is_refused_with_the_choices():
    with pytest.raises(SchemaError, match=r"Row: key 'idd' is not a field; fields: \['id'\]"):

        @record(key="idd", stream="out")
        class Row:
            """A row."""

            id: Id


def test_a_class_without_a_docstring_is_refused():
    with pytest.raises(SchemaError, match="Row: needs a docstring"):

        @record(key="id", stream="out")
        class Row:
            id: Id


def test_a_class_without_fields_is_refused():
    with pytest.raises(SchemaError, match="Row: has no fields"):

        @record(key="id", stream="out")
        class Row:
            """A row."""


def _usage(ratios=(), **fields):
    body = {"__doc__": "Usage.", "__annotations__": {"id": Id, "period": Bucket, **fields}}
    return report(path="usage", key="id", period="period", ratios=ratios)(type("Usage", (), body))


def test_a_report_adds_up_numbers_and_holds_states():
    usage = _usage(
        litres=Annotated[float, "Taken."],
        level=Annotated[float, Latest, "In it."],
        content=Annotated[str, Latest, MaxLen(9), "What is in it."],
        coldest=Annotated[float, Minimum, "Degrees."],
        warmest=Annotated[int, Maximum, "Degrees."],
    )
    schema = schema_of(usage)
    assert [c.name for c in schema.sums] == ["litres"]
    assert [c.name for c in schema.latest] == ["level", "content"]
    assert [c.name for c in schema.folded(Fold.MINIMUM)] == ["coldest"]
    assert [c.name for c in schema.folded(Fold.MAXIMUM)] == ["warmest"]
    assert schema.column("content").type == String(0, 9)


@pytest.mark.parametrize(
    ("name", "of", "over", "message"),
    [
        ("level", "litres", ("litres",), r"Usage\.level: a report's answers have 'level' already"),
        ("final", "litres", ("litres",), r"Usage\.final: a report's answers have 'final' already"),
        ("Mean", "litres", ("litres",), r"Usage\.Mean: the name of a ratio is lower case"),
        ("mean", "level", ("litres",), r"Usage\.mean: 'level' is not added up .*\['litres'\]"),
        ("mean", "litres", ("visits",), r"Usage\.mean: 'visits' is not added up .*\['litres'\]"),
        ("mean", "litres", (), r"Usage\.mean: a ratio is of one sum over others"),
    ],
)
def test_a_ratio_is_of_sums_and_has_a_name_of_its_own(name, of, over, message):
    fields = {"litres": Annotated[float, "Taken."], "level": Annotated[float, Latest, "In it."]}
    with pytest.raises(SchemaError, match=message):
        _usage((Ratio(name, of, over, "Litres."),), **fields)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (Annotated[str, "Text."], r"Usage\.mean: only numbers are added up; annotate a state with"),
        (Annotated[str, Minimum, "Text."], r"Usage\.mean: only numbers have a minimum; annotate"),
        (
            Annotated[float, Minimum, Latest, "Both."],
            r"Usage\.mean: is minimum or latest, not both",
        ),
        (Annotated[int | None, "Maybe."], r"Usage\.mean: a row of a report has all its fields"),
        (Annotated[datetime, Latest, "When."], r"Usage\.mean: a latest value is a str, int, float"),
    ],
)
def test_what_a_report_cannot_hold_is_refused(field, message):
    with pytest.raises(SchemaError, match=message):
        _usage(mean=field)


def test_a_report_has_no_field_of_the_platforms_own():
    with pytest.raises(SchemaError, match=r"Usage: fields \['writes'\] belong to every report"):
        _usage(writes=Annotated[int, "Written."])


def test_only_a_report_holds_states():
    with pytest.raises(
        SchemaError, match=r"Pass\.level: only what a report measures can be Latest"
    ):
        _of("Pass", level=Annotated[float, Latest, "In it."])


def test_a_reports_period_must_be_a_field():
    with pytest.raises(SchemaError, match="Usage: 'hour' is not a field"):

        @report(path="usage", key="id", period="hour")
        class Usage:
            """Usage."""

            id: Id


def test_a_class_that_was_not_declared_has_no_schema():
    with pytest.raises(SchemaError, match="str: not declared with"):
        schema_of(str)


def _use_case(name, *definitions):
    return UseCase(name, "Doc.", Path(), definitions)


def _event(name, stream="s", **options):
    body = {"__doc__": "Something.", "__annotations__": {"id": Id}}
    return event(key="id", stream=stream, **options)(type(name, (), body))


def test_two_use_cases_may_not_share_a_type_or_an_alias():
    first, second = _event("Pass"), _event("Entry", aliases=("pass",))
    with pytest.raises(CatalogError, match="type 'pass' is declared by a and b"):
        Catalog((_use_case("a", first), _use_case("b", second)))


def test_the_events_of_a_use_case_may_go_to_several_streams():
    use_case = _use_case("a", _event("Pass"), _event("Entry", stream="t"), _event("Exit"))
    assert use_case.event_streams == ("s", "t")
    assert [e.name for e in use_case.events_on("s")] == ["Pass", "Exit"]
    assert use_case.streams == ("s", "t", "progress", "dead-letters")


@pytest.mark.parametrize("stream", ["alarms", "progress", "dead-letters"])
def test_events_may_not_go_to_a_stream_of_results(stream):
    body = {"__doc__": "Something.", "__annotations__": {"id": Id}}
    alarm = record(key="id", stream="alarms")(type("Alarm", (), body))
    with pytest.raises(CatalogError, match=rf"a: stream '{stream}' has results; .* of their own"):
        _use_case("a", _event("Pass", stream=stream), alarm)


@pytest.mark.parametrize("event", ["exit", ""])
def test_who_waits_for_what_it_answers_is_an_event(event):
    answers = Parameter("Answers", Duration(role=Role.ANSWER, event=event), "PT1H", "How long.")
    classes = (_event("Pass"), _event("Entry"))
    with pytest.raises(CatalogError, match=rf"Answers .* '{event}' .* \['entry', 'pass'\]"):
        UseCase("a", "A.", Path(), classes, parameters=(answers,))


def test_a_function_is_named_in_capitals_and_has_a_java_class():
    with pytest.raises(CatalogError, match=r"a: function 'Join' = 'sdp\.functions\.Join'; give"):
        UseCase("a", "A.", Path(), functions={"Join": "sdp.functions.Join"})
    with pytest.raises(CatalogError, match="a: function 'JOIN' = 'Join'; give"):
        UseCase("a", "A.", Path(), functions={"JOIN": "Join"})


def test_an_unknown_use_case_is_named_with_the_choices():
    with pytest.raises(CatalogError, match=r"'b' is not in the catalog; use cases: \['a'\]"):
        Catalog((_use_case("a", _event("Pass")),)).use_case("b")


def test_a_use_case_has_its_streams_once_with_progress_and_dead_letters_last():
    streams = _use_case("a", _event("Pass"), _event("Entry")).streams
    assert streams == ("s", "progress", "dead-letters")


def _taking(*takes, **fields):
    body = {"__doc__": "Something.", "__annotations__": fields}
    return record(key="id", stream="r", takes=takes)(type("Result", (), body))


def test_a_record_that_closes_keys_has_the_key_of_their_event():
    passed = _of("Pass")

    @record(key="id", stream="r", closes=passed)
    class Closed:
        """A key that closed."""

        id: Annotated[str, "Which one."]
        at: Annotated[datetime, "When."]

    assert (schema_of(Closed).closes, schema_of(Closed).event) == ("pass", "")
    with pytest.raises(SchemaError, match=r"Other: closes keys of Pass, .* 'id', not 'gate'"):

        @record(key="gate", stream="r", closes=passed)
        class Other:
            """A record of something else."""

            gate: Annotated[str, "Which gate."]


def _of(name, **fields):
    body = {"__doc__": "Something.", "__annotations__": {"id": Id, **fields}}
    return event(key="id", stream="s")(type(name, (), body))


def test_a_record_takes_the_fields_of_its_events_without_their_bounds():
    price = Annotated[int, Ge(0), "A price."]
    offer, sale = _of("Offer", price=price), _of("Sale", price=price)
    result = schema_of(_taking(fields_of(offer, price="offered"), sale, at=Annotated[int, "When."]))
    assert result.names == ["id", "offered", "price", "at"]
    assert result.taken == ("id", "offered", "price")
    assert result.column("price").type == Integer()


def test_a_field_that_a_record_declares_itself_stands_for_that_of_an_event():
    own = Annotated[int | None, "Its own."]
    result = schema_of(_taking(_of("Offer", price=Annotated[int, "A price."]), price=own))
    assert (result.names, result.taken) == (["id", "price"], ("id",))
    assert not result.column("price").required


def test_two_events_with_another_type_of_one_field_are_refused():
    offer = _of("Offer", price=Annotated[int, "A price."])
    sale = _of("Sale", price=Annotated[str, "In words."])
    with pytest.raises(SchemaError, match=r"Result\.price: String.* of two events; take one"):
        _taking(offer, sale)
    with pytest.raises(SchemaError, match=r"Offer: 'cost' is not a field"):
        fields_of(offer, cost="price")
