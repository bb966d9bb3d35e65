"""The responses of a report's routes, rendered from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, create_model

from glue import Boolean, Column, Double, Ratio, Schema, String, instants
from glue.types import Fold
from lambdas.reports.calendar import Calendar
from lambdas.reports.counting import Row

THROUGH = "Buckets that ended by then are final; null until the first watermark."


def totals_model(report: Schema) -> type[BaseModel]:
    """The totals of a key, for OpenAPI."""
    fields = {**_key(report), **_measures(report)}
    fields["complete_through"] = (str | None, Field(description=THROUGH))
    return create_model(f"{report.name}Totals", __doc__=report.doc, **fields)


def periods_model(report: Schema) -> type[BaseModel]:
    """A page of periods of a key, for OpenAPI."""
    row = create_model(
        f"{report.name}Row",
        period_start=(str, Field(description="Local time with its offset, RFC 3339.")),
        **_measures(report),
        final=(bool, Field(description="Nothing can change this row any more.")),
    )
    return create_model(
        f"{report.name}Periods",
        __doc__=f"{report.doc} Periods without buckets are left out.",
        **_key(report),
        period=(str, Field(description="The calendar unit.")),
        timezone=(str, Field(description="The time zone.")),
        rows=(list[row], Field(description="One per period.")),  # type: ignore[valid-type]
        next=(str | None, Field(description="Pass it as `next` for the following page.")),
    )


def _key(report: Schema) -> dict[str, Any]:
    column = report.column(report.key)
    kind = str if isinstance(column.type, String) else int
    return {column.name: (kind, Field(description=column.doc))}


def _measures(report: Schema) -> dict[str, Any]:
    measures = {m.name: (_kind(m), Field(description=m.doc)) for m in report.measures}
    ratios = {r.name: (float | None, Field(description=r.doc)) for r in report.ratios}
    return measures | ratios


def _kind(measure: Column) -> Any:
    match measure.type:
        case Double():
            kind: Any = float
        case String():
            kind = str
        case Boolean():
            kind = bool
        case _:
            kind = int
    return kind if measure.fold is Fold.SUM else kind | None


def totals(
    report: Schema, key: Any, measures: Mapping[str, Any], through: datetime | None
) -> dict[str, Any]:
    """The totals of a key."""
    text = instants.to_wire(through) if through else None
    return {report.key: key, **_with_ratios(report, measures), "complete_through": text}


def row(report: Schema, row: Row, calendar: Calendar, *, final: bool) -> dict[str, Any]:
    """A period's row; its start is in the time zone."""
    start = row.start.astimezone(calendar.zone).isoformat(timespec="seconds")
    return {"period_start": start, **_with_ratios(report, row.measures), "final": final}


def _with_ratios(report: Schema, measures: Mapping[str, Any]) -> dict[str, Any]:
    return {**measures, **{r.name: _ratio(r, measures) for r in report.ratios}}


def _ratio(ratio: Ratio, measures: Mapping[str, Any]) -> float | None:
    total = sum(measures[name] for name in ratio.over)
    return measures[ratio.of] / total if total else None
