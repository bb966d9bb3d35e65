"""A use case's model, declared: what it predicts, from what, and what was known at that moment.

A declaration that looks into the future fails at import. The inputs are the columns that the
event at the moment of prediction fills; a feature of anything else (the outcome, a later time, a
later price) is refused by name, and so is an input that the event does not have. Where a model
scores actions in decisions, the event is the business event, and the customer's profile and the
action are known too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from features.definition import Definition, Feature, Hashed, Input, Log, Numeric, Relative
from glue.errors import SchemaError
from glue.schema import Schema, schema_of
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Timestamp

MAX_BUCKETS = 65_536
# What a decision scores, beside what it knows: the name of the action's template.
ACTION = Column("action", String(1, 128), False, "The template of the action that is scored.")


@dataclass(frozen=True)
class RequestField:
    """One field of a prediction request: its name, type with limits, and meaning.

    A `category` may be sent as text whatever its column's type is; only what is `required` must
    be sent.
    """

    name: str
    column: str
    type: ColumnType
    required: bool
    category: bool
    doc: str


@dataclass(frozen=True)
class Model:
    """A model of a use case. `definition` is what travels with it; the rest is for people.

    `profile`: of a model that scores the actions of decisions, what is known of a customer.
    """

    doc: str
    record: Schema
    event: Schema
    definition: Definition
    profile: Schema | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.definition.name

    def within(self, max_amount: int) -> Model:
        """The model with amounts of at most `max_amount`."""
        profile = self.profile and self.profile.within(max_amount)
        return replace(self, event=self.event.within(max_amount), profile=profile)

    @property
    def parameters(self) -> tuple[RequestField, ...]:
        """The fields of a prediction request, with the limits of the event's own fields."""
        return tuple(self._parameter(input_) for input_ in self.definition.inputs)

    def _parameter(self, input_: Input) -> RequestField:
        column = _known(self.event, self.profile)[input_.field]
        number = input_.column in self.definition.numbers
        required = column.required or number
        kind, doc = column.type, column.doc
        return RequestField(input_.request, input_.column, kind, required, not number, doc)


def model(
    *,
    name: str,
    doc: str,
    record: type,
    event: type,
    profile: type | None = None,
    time: str,
    label: str,
    segment: str,
    inputs: tuple[Input, ...],
    features: tuple[Feature, ...],
    increasing: tuple[str, ...] = (),
) -> Model:
    """Declare a model: rows of `record`, predicted when `event` happens.

    With `profile`, the class of what is known of a customer, it scores the actions of decisions
    about `event`: inputs are fields of the event, else of the profile, and `action`, each by its
    own name, because the stream finds them by it. `time` is the record's column with the event's
    time, `label` the boolean to predict, `segment` an input by whose values a new model is compared
    with the old. `increasing` are numbers the score may only rise with. Raises SchemaError naming
    the field and the choices.
    """
    rows, moment = schema_of(record), schema_of(event)
    known_of = schema_of(profile) if profile else None
    definition = Definition(
        name, rows.name, rows.key, time, label, segment, inputs, features, increasing
    )
    _check_rows(definition, rows)
    for input_ in inputs:
        _check_input(definition, input_, rows, moment, known_of)
    for feature in features:
        _check_feature(definition, feature, rows)
    _check_names(definition)
    return Model(doc, rows, moment, definition, known_of)


def _known(event: Schema, profile: Schema | None) -> dict[str, Column]:
    """The columns that are known when the event happens, by name; an event's before a profile's."""
    known = {column.name: column for column in event.columns}
    if profile is None:
        return known
    return {c.name: c for c in profile.columns} | known | {ACTION.name: ACTION}


def _check_rows(definition: Definition, rows: Schema) -> None:
    where = f"model {definition.name}"
    if not isinstance(rows.column(definition.label).type, Boolean):
        raise SchemaError(f"{where}: label {definition.label!r} is not a boolean")
    if not isinstance(rows.column(definition.time).type, Timestamp):
        raise SchemaError(f"{where}: time {definition.time!r} is not a time")


def _check_input(
    definition: Definition,
    input_: Input,
    rows: Schema,
    moment: Schema,
    profile: Schema | None,
) -> None:
    where = f"model {definition.name}: input {input_.column!r}"
    column = rows.column(input_.column)
    if input_.column == definition.label:
        raise SchemaError(f"{where} is the label: it is what is to be predicted")
    known = _known(moment, profile)
    if input_.field not in known:
        raise SchemaError(
            f"{where} is not known when {moment.name} happens: it has no field {input_.field!r}; "
            f"fields: {list(known)}"
        )
    if profile and input_.field != input_.column:
        raise SchemaError(
            f"{where} is the field {input_.field!r}: decisions find it by the column's name, so "
            "give both one name"
        )
    if _bare(column) != _bare(known[input_.field]):
        raise SchemaError(f"{where} has another type than {moment.name}.{input_.field}")


def _check_feature(definition: Definition, feature: Feature, rows: Schema) -> None:
    where = f"model {definition.name}: feature {feature.name!r}"
    known = definition.columns
    used = (feature.column, feature.to) if isinstance(feature, Relative) else (feature.column,)
    for column in used:
        kind = rows.column(column).type
        if column not in known:
            raise SchemaError(
                f"{where} reads {column!r}, which is not known when the prediction is made; "
                f"known: {list(known)}"
            )
    kind = rows.column(feature.column).type
    match feature:
        case Hashed(buckets=buckets):
            if not isinstance(kind, String | Integer):
                raise SchemaError(f"{where}: only text and whole numbers are hashed")
            if not 1 <= buckets <= MAX_BUCKETS:
                raise SchemaError(f"{where}: buckets is {buckets}; 1 to {MAX_BUCKETS}")
        case Numeric() | Log() | Relative():
            if not isinstance(kind, Integer | Double):
                raise SchemaError(f"{where}: {feature.column!r} is not a number")
        case _:
            assert_never(feature)


def _check_names(definition: Definition) -> None:
    where = f"model {definition.name}"
    names = {
        "feature": [f.name for f in definition.features],
        "input": list(definition.columns),
        "request field": [i.request for i in definition.inputs],
    }
    for kind, declared in names.items():
        twice = sorted({n for n in declared if declared.count(n) > 1})
        if twice:
            raise SchemaError(f"{where}: {kind} {twice} is declared twice")
    if definition.segment not in definition.categories:
        raise SchemaError(
            f"{where}: segment {definition.segment!r} is not one of {definition.categories}"
        )
    for column in definition.increasing:
        if column not in definition.numbers:
            raise SchemaError(
                f"{where}: increasing {column!r} is not a number of a feature; "
                f"numbers: {list(definition.numbers)}"
            )


def _bare(column: Column) -> ColumnType:
    """The type without limits: the event's are narrower than the record's."""
    if isinstance(column.type, String | Integer | Double):
        return type(column.type)()
    return column.type
