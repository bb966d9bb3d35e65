"""What is deployed, as the page shows it: use cases, their reports and what may be changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

from pydantic import BaseModel, Field

from glue import Catalog, Column, Schema, Series, UseCase
from glue.definitions import DECISIONS, FEATURE_TYPES, DefinitionKind, Definitions, Role
from glue.parameters import Parameters
from glue.types import Boolean, ColumnType, Double, Integer, String, Struct, Timestamp


class Measure(BaseModel):
    """A key or a measure of a report."""

    name: str = Field(description="Its name in rows.")
    kind: str = Field(description="integer, number, string or boolean.")
    doc: str = Field(description="What it is, with its unit.")
    fold: str = Field("", description="Over several buckets: sum, latest, minimum, ratio …")


class Report(BaseModel):
    """A report; `/reports/{path}/{key}` has its totals and `…/period` its rows."""

    path: str = Field(description="Its part of the path.")
    name: str = Field(description="Its name.")
    doc: str = Field(description="What it counts.")
    key: Measure = Field(description="What its rows are of.")
    measures: list[Measure] = Field(description="What its rows have.")
    bucket_seconds: int = Field(description="AggregationPeriod: no period is shorter.")


class DescribedField(BaseModel):
    """A field of a definition's document."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="integer, number, string or boolean.")
    doc: str = Field(description="What it is.")
    required: bool = Field(description="Whether a document must have it.")
    role: str = Field(
        description="`expression`, `value`, `result`, `event_kind`, `filled`, `template`, "
        "`duration`, `distinct` or empty."
    )
    choices: list[str] = Field(description="The values that it may have; empty: any.")


class DescribedKind(BaseModel):
    """A kind of definition."""

    name: str = Field(description="Its name.")
    doc: str = Field(description="What it is.")
    fields: list[DescribedField] = Field(description="What a document has.")
    modes: list[str] = Field(description="The values that its `mode` may have.")
    tested: bool = Field(description="Whether `…/test` shows what a definition would do.")


class DescribedSeries(BaseModel):
    """A series; `/series/{use case}/{name}` has its values."""

    name: str = Field(description="Its name.")
    doc: str = Field(description="What its values are.")
    key: str = Field(description="The field whose values have a line each.")
    of: str | None = Field(description="The field that tells several lines of a key apart.")


class DescribedUseCase(BaseModel):
    """A deployed use case."""

    name: str = Field(description="Its name.")
    doc: str = Field(description="What it is.")
    reports: list[Report] = Field(description="What is counted.")
    definitions: list[str] = Field(description="Kinds of what people change while it runs.")
    kinds: list[DescribedKind] = Field(description="The same kinds, with their fields.")
    model: bool = Field(description="Whether a model is trained on its records.")
    series: list[DescribedSeries] = Field(description="What is drawn over time.")
    actions: bool = Field(description="Whether it has actions.")
    decisions: bool = Field(description="Whether it has decisions.")
    ledger: bool = Field(description="Whether it has a ledger.")


class Description(BaseModel):
    """The deployed use cases."""

    use_cases: list[DescribedUseCase] = Field(description="In the order of the deployment.")


def describe(
    catalog: Catalog, parameters: Mapping[str, Parameters], audited: Collection[str]
) -> Description:
    """The whole catalog; `audited` are the use cases with a ledger."""
    return Description(
        use_cases=[
            _use_case(u, parameters[u.name], is_audited=u.name in audited)
            for u in catalog.use_cases
        ]
    )


def _use_case(use_case: UseCase, own: Parameters, *, is_audited: bool) -> DescribedUseCase:
    seconds = int(own.aggregation_period.total_seconds())
    kinds = use_case.definitions.kinds if use_case.definitions else ()
    return DescribedUseCase(
        name=use_case.name,
        doc=use_case.doc.strip().partition("\n")[0],
        reports=[_report(report, seconds) for report in use_case.reports],
        definitions=[kind.name for kind in kinds],
        kinds=[_definition_kind(kind, use_case.definitions) for kind in kinds],
        model=use_case.model is not None,
        series=[_series(series) for series in use_case.series],
        actions=use_case.actions is not None,
        decisions=use_case.definitions is not None and DECISIONS in use_case.streams,
        ledger=is_audited,
    )


def _definition_kind(kind: DefinitionKind, declared: Definitions | None) -> DescribedKind:
    fields = [
        DescribedField(
            name=column.name,
            kind=_kind(column.type),
            doc=column.doc,
            required=column.required,
            role=(role := str(kind.roles.get(column.name, ""))),
            choices=_choices(role, declared),
        )
        for column in kind.columns
    ]
    return DescribedKind(
        name=kind.name,
        doc=kind.doc,
        fields=fields,
        modes=[*kind.modes],
        tested=kind.is_tested,
    )


def _choices(role: str, declared: Definitions | None) -> list[str]:
    if role == Role.EVENT_KIND and declared:
        return [*declared.events]
    return [*FEATURE_TYPES] if role == Role.RESULT else []


def _series(series: Series) -> DescribedSeries:
    doc, key = series.value_column.doc, series.key_column.name
    return DescribedSeries(name=series.name, doc=doc, key=key, of=series.by)


def _report(report: Schema, seconds: int) -> Report:
    return Report(
        path=report.path,
        name=report.name,
        doc=report.doc,
        key=_measure(report.column(report.key)),
        measures=[
            *(_measure(measure) for measure in report.measures),
            *(Measure(name=r.name, kind="number", doc=r.doc, fold="ratio") for r in report.ratios),
        ],
        bucket_seconds=seconds,
    )


def _measure(column: Column) -> Measure:
    kind, fold = _kind(column.type), column.fold.name.lower()
    return Measure(name=column.name, kind=kind, doc=column.doc, fold=fold)


def _kind(kind: ColumnType) -> str:
    match kind:
        case Integer():
            return "integer"
        case Double():
            return "number"
        case Boolean():
            return "boolean"
        case String() | Timestamp():
            return "string"
        case Struct():
            raise TypeError("a report has no groups of fields")
    assert_never(kind)
