"""What people may change while a job runs is declared, and a wrong declaration fails at import."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge

import usecases
from glue import Catalog, CatalogError, Column, SchemaError, UseCase, event, record, report
from glue.definitions import (
    FEATURE,
    FEATURE_TYPES,
    JOIN,
    RULE,
    TEMPLATE,
    DefinitionKind,
    Role,
    definition_kind,
    definitions,
)
from infra.topology import Topology


@event(key="door", stream="doors")
class Opened:
    """A door was opened."""

    door: Annotated[str, "The door."]


@record(key="subject", stream="found")
class Found:
    """Something was found."""

    subject: Annotated[str, "What it is about."]
    occurred_at: Annotated[datetime, "When."]
    width: Annotated[float | None, "Of a gap."] = None
    people: Annotated[int | None, "Of a crowd."] = None


@report(path="definitions", key="door", period="period")
class Reported:
    """A report with the name of the table of definitions."""

    door: Annotated[str, "The door."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    opened: Annotated[int, Ge(0), "How often."]


KINDS = {"gap": ("width",), "crowd": ("people",)}


def declared(*kinds, events=KINDS, **more):
    return definitions(*kinds, event=Found, events=events, **more)


def test_an_expression_may_use_the_common_fields_and_those_of_its_kind_of_event():
    both = declared(RULE, profile=Opened).variables("gap")
    assert [c.name for c in both["event"]] == ["subject", "occurred_at", "width"]
    assert [c.name for c in both["profile"]] == ["door"]
    assert list(declared(RULE).variables("crowd")) == ["event"]


def test_features_are_those_that_are_given_where_there_are_definitions_of_them():
    both = declared(RULE, FEATURE)
    assert both.feature is FEATURE and declared(RULE).feature is None
    share = Column("share", FEATURE_TYPES["double"], required=False, doc="A feature.")
    assert both.variables("gap", (share,))["features"] == (share,)
    assert both.variables("gap", ())["features"] == ()
    assert "features" not in both.variables("gap")


def test_fields_that_are_not_given_have_their_defaults():
    assert RULE.defaults == {"action": None, "priority": 0}
    assert RULE.with_role(Role.EXPRESSION) == ["expression"]
    assert TEMPLATE.with_role(Role.FILLED) == ["title", "message"]
    assert FEATURE.with_role(Role.VALUE) == ["expression"]
    assert [kind.is_tested for kind in (RULE, TEMPLATE, FEATURE, JOIN)] == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("declare", "named"),
    [
        (lambda: declared(RULE, RULE), "rule"),
        (lambda: declared(), "at least one kind"),
        (lambda: declared(RULE, events={}), "kind of event"),
        (lambda: declared(RULE, events={"gap": ("depth",)}), "depth"),
        (lambda: declared(RULE, events={"gap": ("subject",)}), "subject"),
        (lambda: declared(RULE, events={"A gap": ()}), "A gap"),
        (lambda: DefinitionKind("Rule", "", RULE.columns), "Rule"),
        (lambda: definition_kind("other", Opened, width=Role.FILLED), "width"),
        (lambda: definition_kind("other", Opened, door=Role.VALUE), "values: .'door'., types: ..$"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(declare, named):
    with pytest.raises(SchemaError, match=named):
        declare()


def test_every_definition_has_an_instant_and_a_mode_already():
    class Moded:
        """With a mode of its own."""

        mode: Annotated[str, "Which."]

    with pytest.raises(SchemaError, match="mode"):
        definition_kind("moded", Moded)


def use_case(*classes, **more):
    return UseCase("doors", "Doors.", Path(), classes, **more)


def test_only_a_use_case_with_definitions_has_a_table_and_the_parameter():
    with_some = use_case(Opened, Found, definitions=declared(RULE))
    without = UseCase("gates", "Gates.", Path())

    class Both:
        use_cases = (with_some, without)

    assert Topology("sdp", Both).definitions_tables == {"doors": "sdp-doors-definitions"}
    assert "DefinitionsLead" in with_some.configured({}).values
    assert "DefinitionsLead" not in without.configured({}).values


def test_a_use_case_with_a_model_has_a_table_for_its_versions_and_the_parameter():
    adtech = usecases.load().use_case("adtech")
    assert adtech.definitions is None
    assert Topology("sdp", Catalog((adtech,))).definitions_tables == {
        "adtech": "sdp-adtech-definitions"
    }
    assert "DefinitionsLead" in adtech.configured({}).values


@record(key="subject", stream="decisions")
class Decided:
    """What was decided."""

    subject: Annotated[str, "What it is about."]
    kind: Annotated[str, "Of which kind."]
    business_event_id: Annotated[str, "About what."]
    occurred_at: Annotated[datetime, "When."]
    profile_id: Annotated[str | None, "By which profile."] = None


@record(key="subject", stream="decisions")
class DecidedSomehow:
    """What was decided, but not by which profile."""

    subject: Annotated[str, "What it is about."]
    kind: Annotated[str, "Of which kind."]
    business_event_id: Annotated[str, "About what."]
    occurred_at: Annotated[datetime, "When."]


def test_with_profiles_the_decisions_tell_by_which_one_each_was_made():
    whole = declared(RULE, profile=Opened)
    use_case(Opened, Found, Decided, definitions=whole)
    assert whole.decided_again_from == ("found", "decisions", "doors")
    assert declared(RULE).decided_again_from == ("found",)
    with pytest.raises(CatalogError, match=r"'decisions'.* has no profile_id"):
        use_case(Opened, Found, DecidedSomehow, definitions=whole)
    with pytest.raises(CatalogError, match="has no business_event_id, kind"):
        use_case(Opened, Found, definitions=whole)
    with pytest.raises(CatalogError, match=r"Found.* is not one of its events"):
        use_case(Opened, Found, Decided, definitions=declared(RULE, profile=Found))


def test_a_report_cannot_have_the_table_of_the_definitions():
    use_case(Opened, Found, Reported)
    with pytest.raises(CatalogError, match="definitions"):
        use_case(Opened, Found, Reported, definitions=declared(RULE))
