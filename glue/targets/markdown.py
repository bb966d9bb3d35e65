"""The catalogue of use cases for readers: events, results and reports, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from glue.catalog import Catalog, UseCase
from glue.schema import ENVELOPE, Kind, Schema
from glue.types import (
    INT64_MAX,
    INT64_MIN,
    Boolean,
    Column,
    ColumnType,
    Double,
    Integer,
    String,
    Struct,
    Timestamp,
)

_HEAD = """# Catalogue
What can be sent, what comes out of it, and what is counted. Rendered from `usecases/`; do not
edit: run `python -m sdpctl.generated`.
"""
_SENDERS = tuple(c for c in ENVELOPE if c.name in ("type", "event_id", "occurred_at"))


def catalogue(catalog: Catalog) -> str:
    """One page about all use cases of the catalog."""
    lines = [_HEAD, "## Fields of every event", *_table(_SENDERS, required=False)]
    for use_case in catalog.use_cases:
        lines += _use_case(use_case)
    return "\n".join(lines) + "\n"


def _use_case(use_case: UseCase) -> Iterator[str]:
    yield f"\n## {use_case.name}\n{use_case.doc}\n"
    yield f"Streams: {', '.join(f'`{name}`' for name in use_case.streams)}."
    for schema in use_case.schemas:
        yield f"\n### {schema.name}\n{schema.doc}\n\n{_where(schema)}{_also(use_case, schema)}\n"
        yield from _table(schema.columns)
        for ratio in schema.ratios:
            yield f"| `{ratio.name}` | number, in answers | | {ratio.doc} |"


def _where(schema: Schema) -> str:
    on = f"Stream `{schema.stream}`, partitioned by `{schema.key}`."
    match schema.kind:
        case Kind.EVENT:
            names = (schema.type, *schema.aliases)
            paths = " or ".join(f"`POST /{name}`" for name in names)
            return f"Event, `type` {' or '.join(f'`{n}`' for n in names)}: {paths}. {on}"
        case Kind.RECORD:
            return f"Result. {on}"
        case Kind.REPORT:
            url = f"/reports/{schema.path}/{{{schema.key}}}"
            return f"Report, `GET {url}` and `GET {url}/period`. {on}"
        case _:
            assert_never(schema.kind)


def _also(use_case: UseCase, schema: Schema) -> str:
    """How else an event is sent, and what names it."""
    notes = []
    if use_case.mqtt and use_case.mqtt.schema.type == schema.type:
        topics = " or ".join(f"`{form}`" for form in use_case.mqtt.forms)
        notes.append(f" Over MQTT: {topics} ([mqtt.md](mqtt.md)).")
    if schema.identity:
        names = ", ".join(f"`{name}`" for name in (*schema.identity, "occurred_at"))
        notes.append(f" Without an `event_id`, it is named by {names}.")
    return "".join(notes)


def _table(columns: tuple[Column, ...], *, required: bool = True) -> Iterator[str]:
    yield "| field | type | required | meaning |\n|---|---|---|---|"
    for column in columns:
        needed = "yes" if column.required and required else ""
        yield f"| `{column.name}` | {_type(column.type)} | {needed} | {column.doc} |"


def _type(of: ColumnType) -> str:
    match of:
        case String(low, high):
            return "string" + _range(low or None, high, "characters")
        case Integer(low, _, amount=True):
            return "integer" + _range(None if low == INT64_MIN else low, "MaxAmount")
        case Integer(low, high):
            return "integer" + _range(
                None if low == INT64_MIN else low, None if high == INT64_MAX else high
            )
        case Double(minimum, maximum):
            return "number" + _range(minimum, maximum)
        case Boolean():
            return "boolean"
        case Timestamp():
            return "time"
        case Struct(columns):
            return f"object of {', '.join(f'`{c.name}` ({_type(c.type)})' for c in columns)}"
        case _:
            assert_never(of)


def _range(low: float | None, high: float | str | None, unit: str = "") -> str:
    if low is None and high is None:
        return ""
    if high is None:
        bounds = f"≥ {low}"
    elif low is None:
        bounds = f"≤ {high}"
    else:
        bounds = f"{low} to {high}"
    return f", {bounds} {unit}".rstrip()
