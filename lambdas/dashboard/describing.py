"""What is deployed, as the page shows it: use cases, their reports and what may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from pydantic import BaseModel, Field

from glue import Catalog, Column, Schema, UseCase
from glue.parameters import Parameters
from glue.types import Boolean, ColumnType, Double, Integer, String, Struct, Timestamp


class Measure(BaseModel):
    """A key or a measure of a report."""

    name: str = Field(description="Its name in rows.")
    kind: str = Field(description="integer, number, string or boolean.")
    doc: str = Field(description="What it is, with its unit.")
    fold: str = Field("", description="What is over several buckets: sum, latest, minimum …")


class Report(BaseModel):
    """A report; `/reports/{path}/{key}` has its totals and `…/period` its rows."""

    path: str = Field(description="Its part of the path.")
    name: str = Field(description="Its name.")
    doc: str = Field(description="What it counts.")
    key: Measure = Field(description="What its rows are of.")
    measures: list[Measure] = Field(description="What its rows have.")
    bucket_seconds: int = Field(description="AggregationPeriod: no period is shorter.")


class DescribedUseCase(BaseModel):
    """A deployed use case."""

    name: str = Field(description="Its name.")
    doc: str = Field(description="What it is.")
    reports: list[Report] = Field(description="What is counted.")
    definitions: list[str] = Field(description="Kinds of what people change while it runs.")
    model: bool = Field(description="Whether a model is trained on its records.")


class Description(BaseModel):
    """The deployed use cases."""

    use_cases: list[DescribedUseCase] = Field(description="In the order of the deployment.")


def describe(catalog: Catalog, parameters: Mapping[str, Parameters]) -> Description:
    """The whole catalog."""
    return Description(use_cases=[_use_case(u, parameters[u.name]) for u in catalog.use_cases])


def _use_case(use_case: UseCase, own: Parameters) -> DescribedUseCase:
    seconds = int(own.aggregation_period.total_seconds())
    kinds = use_case.definitions.kinds if use_case.definitions else ()
    return DescribedUseCase(
        name=use_case.name,
        doc=use_case.doc.strip().partition("\n")[0],
        reports=[_report(report, seconds) for report in use_case.reports],
        definitions=[kind.name for kind in kinds],
        model=use_case.model is not None,
    )


def _report(report: Schema, seconds: int) -> Report:
    return Report(
        path=report.path,
        name=report.name,
        doc=report.doc,
        key=_measure(report.column(report.key)),
        measures=[_measure(measure) for measure in report.measures],
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
