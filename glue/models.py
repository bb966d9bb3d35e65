"""A use case's model, declared: what it predicts, from what, and what was known at that moment.

A declaration that looks into the future fails at import. The inputs are the columns that the
event at the moment of prediction fills; a feature of anything else (the outcome, a later time, a
later price) is refused by name, and so is an input that the event does not have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from features.definition import Definition, Feature, Hashed, Input, Log, Numeric, Relative
from glue.errors import SchemaError
from glue.schema import Schema, schema_of
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Timestamp

MAX_BUCKETS = 65_536


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
    """A model of a use case. `definition` is what travels with it; the rest is for people."""

    doc: str
    record: Schema
    event: Schema
    definition: Definition

    @property
    def name(self) -> str:
        """The model's name."""
        return self.definition.name

    def within(self, max_amount: int) -> Model:
        """The model with amounts of at most `max_amount`."""
        return replace(self, event=self.event.within(max_amount))

    @property
    def parameters(self) -> tuple[RequestField, ...]:
        """The fields of a prediction request, with the limits of the event's own fields."""
        return tuple(self._parameter(input_) for input_ in self.definition.inputs)

    def _parameter(self, input_: Input) -> RequestField:
        column = self.event.column(input_.field)
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
    time: str,
    label: str,
    segment: str,
    inputs: tuple[Input, ...],
    features: tuple[Feature, ...],
    increasing: tuple[str, ...] = (),
) -> Model:
    """Declare a model: rows of `record`, predicted when `event` happens.

    `time` is the record's column with the event's time, `label` the boolean to predict, `segment`
    an input by whose values a new model is compared with the old. `increasing` are numbers the
    score may only rise with. Raises SchemaError naming the field and the choices.
    """
    rows, moment = schema_of(record), schema_of(event)
    definition = Definition(
        name, rows.name, rows.key, time, label, segment, inputs, features, increasing
    )
    _check_rows(definition, rows)
    for input_ in inputs:
        _check_input(definition, input_, rows, moment)
    for feature in features:
        _check_feature(definition, feature, rows)
    _check_names(definition)
    return Model(doc, rows, moment, definition)


def _check_rows(definition: Definition, rows: Schema) -> None:
    where = f"model {definition.name}"
    if not isinstance(rows.column(definition.label).type, Boolean):
        raise SchemaError(f"{where}: label {definition.label!r} is not a boolean")
    if not isinstance(rows.column(definition.time).type, Timestamp):
        raise SchemaError(f"{where}: time {definition.time!r} is not a time")


def _check_input(definition: Definition, input_: Input, rows: Schema, moment: Schema) -> None:
    where = f"model {definition.name}: input {input_.column!r}"
    column = rows.column(input_.column)
    if input_.column == definition.label:
        raise SchemaError(f"{where} is the label: it is what is to be predicted")
    if input_.field not in moment.names:
        raise SchemaError(
            f"{where} is not known when {moment.name} happens: it has no field {input_.field!r}; "
            f"fields: {moment.names}"
        )
    if _bare(column) != _bare(moment.column(input_.field)):
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
