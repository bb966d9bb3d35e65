"""Declarations: a frozen class becomes a Schema, once, at import; wrong ones fail there."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar, assert_never, get_args, get_origin

import annotated_types as at

from glue.errors import SchemaError
from glue.types import (
    INT64_MAX,
    INT64_MIN,
    MAX_AMOUNT,
    Amount,
    Boolean,
    Column,
    ColumnType,
    Double,
    Fold,
    Integer,
    Latest,
    Maximum,
    Minimum,
    Ratio,
    String,
    Struct,
    Timestamp,
)

C = TypeVar("C", bound=type)
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_ATTRIBUTE = "__sdp_schema__"
_FOLDS: dict[type, Fold] = {
    Latest: Fold.LATEST,
    Minimum: Fold.MINIMUM,
    Maximum: Fold.MAXIMUM,
}


class Kind(StrEnum):
    """What a declaration is for."""

    EVENT = "event"
    RECORD = "record"
    REPORT = "report"


@dataclass(frozen=True)
class Schema:
    """What was declared: read by every target, written nowhere else.

    `type` and `aliases` are set for events, `path` and `period` for reports; `event` for a record
    that is written once for each counted event of that type, `closes` for one that is written once
    for each key with a counted event of that type, when the key closes. `taken` are the names of
    the columns that a record takes from its events. `ratios` are what answers of a report have
    beside its measures. `identity` are the fields that, with `occurred_at`, name an event that was
    sent without an `event_id`.
    """

    name: str
    kind: Kind
    doc: str
    columns: tuple[Column, ...]
    stream: str
    key: str
    type: str = ""
    aliases: tuple[str, ...] = ()
    path: str = ""
    period: str = ""
    event: str = ""
    closes: str = ""
    taken: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    ratios: tuple[Ratio, ...] = ()

    @property
    def names(self) -> list[str]:
        """Column names, in declared order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name; SchemaError lists the choices."""
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(f"{self.name}: {name!r} is not a field; fields: {self.names}")

    def within(self, max_amount: int) -> Schema:
        """The schema with amounts of at most `max_amount`."""
        columns = tuple(_limited(column, max_amount) for column in self.columns)
        return self if columns == self.columns else dataclasses.replace(self, columns=columns)

    @property
    def amounts(self) -> frozenset[str]:
        """The names of the columns that a deployment's MaxAmount limits."""
        kinds = {column.name: column.type for column in self.columns}
        return frozenset(
            n for n, kind in kinds.items() if isinstance(kind, Integer) and kind.amount
        )

    @property
    def measures(self) -> tuple[Column, ...]:
        """What a report counts or holds: all columns but key and period."""
        return tuple(c for c in self.columns if c.name not in (self.key, self.period))

    @property
    def sums(self) -> tuple[Column, ...]:
        """The measures that are added up over buckets."""
        return self.folded(Fold.SUM)

    @property
    def latest(self) -> tuple[Column, ...]:
        """The measures of which the newest bucket's value counts."""
        return self.folded(Fold.LATEST)

    def folded(self, fold: Fold) -> tuple[Column, ...]:
        """The measures of which several buckets make this."""
        return tuple(c for c in self.measures if c.fold is fold)


def _is_amount(column: Column) -> bool:
    return isinstance(column.type, Integer) and column.type.amount


def _limited(column: Column, max_amount: int) -> Column:
    match column.type:
        case Integer(low, _, amount=True):
            limited = Integer(low, max_amount, amount=True)
            return dataclasses.replace(column, type=limited)
        case _:
            return column


# Every event carries these beside its own fields; ingestion fills the absent ones.
ENVELOPE: tuple[Column, ...] = (
    Column("type", String(), True, "Which event this is."),
    Column(
        "event_id", String(1, 128), True, "Names this event; the sender's, or given at receipt."
    ),
    Column("occurred_at", Timestamp(), True, "Event time; the receipt time where none was sent."),
    Column("received_at", Timestamp(), True, "When ingestion received the event."),
)

# The last field of an event as ingestion stores it: with `received_at` it identifies one record of
# one request. So a record that the platform itself stored twice is distinguished from one that was
# sent twice. Readers of the original bytes find it; it is no column.
RECEIPT = "receipt"

# Every row of a report stream carries these beside its own fields.
VERSIONING: tuple[Column, ...] = (
    Column("version", Integer(0), True, "Records counted; grows with each of them."),
    Column("generation", Integer(0), True, "Raised by a replay; the higher one wins."),
)


# What the table of a report has beside the report's own fields.
REPORT_RESERVED = (*(c.name for c in VERSIONING), "writes", "newest")


def event(
    *,
    key: str,
    stream: str,
    type: str = "",
    aliases: tuple[str, ...] = (),
    identity: tuple[str, ...] = (),
) -> Callable[[C], C]:
    """Declare what senders send. `type` defaults to the class's name in lower case.

    `identity`: fields that, with `occurred_at`, name an event. One that is sent without an
    `event_id` gets the same id each time.
    """

    def declare(cls: C) -> C:
        name = cls.__name__.lower()
        schema = _schema(cls, Kind.EVENT, stream=stream, key=key)
        kind = type or name
        others = tuple(a for a in (name, *aliases) if a != kind)
        reserved = [n for n in (*(c.name for c in ENVELOPE), RECEIPT) if n in schema.names]
        if reserved:
            raise SchemaError(f"{schema.name}: fields {reserved} belong to every event already")
        for field in identity:
            if not schema.column(field).required:
                raise SchemaError(
                    f"{schema.name}.{field}: is part of the identity; give it no None"
                )
        return _attach(
            cls,
            dataclasses.replace(
                schema, type=kind, aliases=tuple(dict.fromkeys(others)), identity=identity
            ),
        )

    return declare


@dataclass(frozen=True)
class Fields:
    """Columns that a record takes from an event."""

    columns: tuple[Column, ...]


def fields_of(cls: type, **renamed: str) -> Fields:
    """The fields of an event, some under another name: `fields_of(Sale, price="paid")`.

    Without their bounds: those were checked when the event was decoded.
    """
    schema = schema_of(cls)
    for name in renamed:
        schema.column(name)
    return Fields(
        tuple(
            dataclasses.replace(c, name=renamed.get(c.name, c.name), type=_unbounded(c.type))
            for c in schema.columns
        )
    )


def record(
    *,
    key: str,
    stream: str,
    event: type | None = None,
    closes: type | None = None,
    takes: tuple[type | Fields, ...] = (),
) -> Callable[[C], C]:
    """Declare what a pipeline writes to a result stream.

    `event`: the event class that it is written once for, with the event's own `event_id`.
    `closes`: the event class for each of whose keys it is written once, when the key closes; an
    audit takes it as the result of the key's event. `takes`: events whose fields it has too, before
    its own; a field that it declares itself stands for that of an event, and of two events with one
    field the first gives it.
    """

    def declare(cls: C) -> C:
        taken = _taken(cls.__name__, takes)
        schema = _schema(cls, Kind.RECORD, stream=stream, key=key, taken=taken)
        if event is not None:
            schema.column("event_id")
            schema = dataclasses.replace(schema, event=schema_of(event).type)
        if closes is not None:
            schema = dataclasses.replace(schema, closes=_closed(schema, schema_of(closes)))
        return _attach(cls, schema)

    return declare


def _closed(record: Schema, event: Schema) -> str:
    """The type of the event whose keys a record closes. Raises SchemaError for another key."""
    if record.key != event.key:
        raise SchemaError(
            f"{record.name}: closes keys of {event.name}, so its key must be {event.key!r}, not "
            f"{record.key!r}"
        )
    return event.type


# What the answers of a report have beside the report's own fields.
ANSWERED = ("complete_through", "period_start", "timezone", "rows", "next", "final")


def report(
    *,
    path: str,
    key: str,
    period: str,
    stream: str = "aggregates",
    ratios: tuple[Ratio, ...] = (),
) -> Callable[[C], C]:
    """Declare aggregates per key and period, stored and served under `/reports/{path}`.

    `ratios`: what the answers have beside, computed of the sums, as a mean.
    """

    def declare(cls: C) -> C:
        schema = dataclasses.replace(
            _schema(cls, Kind.REPORT, stream=stream, key=key),
            path=path,
            period=period,
            ratios=ratios,
        )
        if not isinstance(schema.column(period).type, Integer):
            raise SchemaError(f"{schema.name}.{period}: the start of a bucket is an integer")
        if reserved := [name for name in REPORT_RESERVED if name in schema.names]:
            raise SchemaError(f"{schema.name}: fields {reserved} belong to every report already")
        for column in schema.columns:
            _check_of_report(schema.name, column, is_measure=column in schema.measures)
        _check_ratios(schema)
        return _attach(cls, schema)

    return declare


def _check_of_report(report: str, column: Column, *, is_measure: bool) -> None:
    where = f"{report}.{column.name}"
    if not column.required:
        raise SchemaError(f"{where}: a row of a report has all its fields; give it no None")
    if not is_measure:
        return
    is_state = column.fold is Fold.LATEST
    if is_state and isinstance(column.type, Struct | Timestamp):
        raise SchemaError(f"{where}: a latest value is a str, int, float or bool")
    if not is_state and not isinstance(column.type, Integer | Double):
        does = {Fold.SUM: "are added up"}.get(column.fold, f"have a {column.fold}")
        raise SchemaError(f"{where}: only numbers {does}; annotate a state with Latest")


def _check_ratios(report: Schema) -> None:
    sums, names = [c.name for c in report.sums], [*report.names, *REPORT_RESERVED, *ANSWERED]
    for ratio in report.ratios:
        where = f"{report.name}.{ratio.name}"
        if not _NAME.match(ratio.name):
            raise SchemaError(f"{where}: the name of a ratio is lower case, as a field's")
        if ratio.name in names:
            raise SchemaError(f"{where}: a report's answers have {ratio.name!r} already")
        names.append(ratio.name)
        if not ratio.doc.strip() or not ratio.over:
            raise SchemaError(f"{where}: a ratio is of one sum over others, and says what it is")
        for part in (ratio.of, *ratio.over):
            if part not in sums:
                raise SchemaError(f"{where}: {part!r} is not added up over buckets; sums: {sums}")


def schema_of(cls: type) -> Schema:
    """The schema a declared class carries."""
    declared = cls.__dict__.get(_ATTRIBUTE)
    if not isinstance(declared, Schema):
        raise SchemaError(f"{cls.__name__}: not declared with @event, @record or @report")
    return declared


def _attach(cls: C, schema: Schema) -> C:
    dataclass(frozen=True, kw_only=True)(cls)  # decorates in place
    setattr(cls, _ATTRIBUTE, schema)
    return cls


def _taken(record: str, takes: tuple[type | Fields, ...]) -> tuple[Column, ...]:
    found: dict[str, Column] = {}
    for one in takes:
        for column in (one if isinstance(one, Fields) else fields_of(one)).columns:
            first = found.setdefault(column.name, column)
            if first.type != column.type:
                raise SchemaError(
                    f"{record}.{column.name}: {column.type} and {first.type} of two events; take "
                    "one of them under another name"
                )
    return tuple(found.values())


def _unbounded(of: ColumnType) -> ColumnType:
    match of:
        case String():
            return String()
        case Integer():
            return Integer()
        case Double():
            return Double()
        case Struct(columns):
            return Struct(tuple(dataclasses.replace(c, type=_unbounded(c.type)) for c in columns))
        case Boolean() | Timestamp():
            return of
    assert_never(of)


def _schema(
    cls: type, kind: Kind, *, stream: str, key: str, taken: tuple[Column, ...] = ()
) -> Schema:
    doc = inspect.cleandoc(cls.__doc__ or "")
    if not doc:
        raise SchemaError(f"{cls.__name__}: needs a docstring; it becomes the table's comment")
    own = columns_of(cls) if cls.__annotations__ or not taken else ()
    taken = tuple(c for c in taken if c.name not in {mine.name for mine in own})
    names = tuple(c.name for c in taken)
    schema = Schema(cls.__name__, kind, doc, (*taken, *own), stream, key, taken=names)
    try:
        schema.column(key)
    except SchemaError as error:
        raise SchemaError(
            f"{schema.name}: key {key!r} is not a field; fields: {schema.names}"
        ) from error
    for column in schema.columns:
        if column.fold is not Fold.SUM and (kind is not Kind.REPORT or key == column.name):
            marker = column.fold.capitalize()
            raise SchemaError(
                f"{schema.name}.{column.name}: only what a report measures can be {marker}"
            )
    return schema


def columns_of(cls: type) -> tuple[Column, ...]:
    """The columns a class's annotations declare, in order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    if not hints:
        raise SchemaError(f"{cls.__name__}: has no fields")
    return tuple(_column(cls, name, hint) for name, hint in hints.items())


def _column(cls: type, name: str, hint: Any) -> Column:
    where = f"{cls.__name__}.{name}"
    if not _NAME.match(name):
        raise SchemaError(f"{where}: names are lower case letters, digits and underscores")
    metadata: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        metadata = tuple(rest)
    required = True
    if get_origin(hint) in (types.UnionType, typing.Union):
        options = [a for a in get_args(hint) if a is not types.NoneType]
        if len(options) != 1 or len(options) == len(get_args(hint)):
            raise SchemaError(f"{where}: a union may only add None; got {hint}")
        required, hint = False, options[0]
    docs = [m for m in metadata if isinstance(m, str)]
    if len(docs) != 1:
        raise SchemaError(f"{where}: needs one sentence saying what it is; got {docs}")
    folds = [_FOLDS[m] for m in metadata if isinstance(m, type) and m in _FOLDS]
    if len(folds) > 1:
        raise SchemaError(f"{where}: is {' or '.join(folds)}, not both")
    metadata = tuple(m for m in metadata if not isinstance(m, type) or m not in _FOLDS)
    fold = folds[0] if folds else Fold.SUM
    return Column(name, _type(where, hint, metadata), required, docs[0], fold)


def _type(where: str, hint: Any, metadata: tuple[Any, ...]) -> ColumnType:
    limits = [m for m in metadata if not isinstance(m, str)]
    if hint is str:
        return _string(where, limits)
    if hint is bool:
        return Boolean()
    if hint is int:
        amount = Amount in limits
        low, high = _bounds(where, [limit for limit in limits if limit is not Amount])
        if amount:
            if high is not None:
                raise SchemaError(f"{where}: an Amount has no Le; MaxAmount limits it")
            return Integer(INT64_MIN if low is None else low, MAX_AMOUNT, amount=True)
        return Integer(INT64_MIN if low is None else low, INT64_MAX if high is None else high)
    if hint is float:
        low, high = _bounds(where, limits)
        return Double(low, high)
    if hint is datetime:
        return Timestamp()
    if isinstance(hint, type) and getattr(hint, "__annotations__", None):
        return Struct(columns_of(hint))
    raise SchemaError(
        f"{where}: type {hint!r} is not one of str, int, float, bool, datetime or a class of them"
    )


def _string(where: str, limits: list[Any]) -> String:
    low, high = 0, None
    for limit in limits:
        match limit:
            case at.MinLen(min_length=n):
                low = n
            case at.MaxLen(max_length=n):
                high = n
            case at.Len(min_length=n, max_length=m):
                low, high = n, m
            case _:
                raise SchemaError(f"{where}: {limit!r} does not limit a str; use MinLen, MaxLen")
    return String(low, high)


def _bounds(where: str, limits: list[Any]) -> tuple[Any, Any]:
    low: Any = None
    high: Any = None
    for limit in limits:
        match limit:
            case at.Ge(ge=n):
                low = n
            case at.Le(le=n):
                high = n
            case at.Interval(ge=n, le=m, gt=None, lt=None):
                low, high = n, m
            case _:
                raise SchemaError(f"{where}: {limit!r} does not limit a number; use Ge, Le")
    return low, high
