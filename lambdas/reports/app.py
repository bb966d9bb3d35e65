"""The reports' HTTP API: two routes for each report in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from glue import Catalog, Schema
from glue.parameters import Parameters, format_duration
from lambdas.http.app import new_app
from lambdas.http.paths import EncodedSlashes, decoded
from lambdas.http.problems import MEDIA_TYPE
from lambdas.http.queries import BadParameter, NotFound, Problem, only
from lambdas.ports.report_store import ReportStore
from lambdas.reports import answers, counting, paging
from lambdas.reports.calendar import LENGTHS, Calendar
from lambdas.reports.counting import ALWAYS, Buckets, Row
from lambdas.reports.problems import install
from lambdas.reports.progress import Completeness, completeness
from lambdas.reports.questions import PeriodQuery, TotalsQuery, key_of, seconds
from lambdas.tables import Tables

FAULT = "internal error; send the request again"


def create_app(
    catalog: Catalog, store: ReportStore, parameters: Mapping[str, Parameters], tables: Tables
) -> FastAPI:
    """`GET /reports/{path}/{key}` and `…/period` for every report of the catalog."""
    app = new_app("Reports", fault=FAULT)
    app.add_middleware(EncodedSlashes)
    install(app)
    progress = completeness(store, tables.progress, parameters)
    for use_case in catalog.use_cases:
        for report in use_case.reports:
            table = tables.reports[f"{use_case.name}/{report.path}"]
            own = parameters[use_case.name]
            _add_routes(app, _Report(use_case.name, report, table, store, progress, own))
    return app


@dataclass(frozen=True)
class _Report:
    """A report and everything that its routes need."""

    use_case: str
    schema: Schema
    table: str
    store: ReportStore
    progress: Callable[[str], Completeness]
    parameters: Parameters

    def buckets(self, key: str) -> Buckets:
        try:
            value = key_of(self.schema, decoded(key))
        except ValueError as error:
            raise BadParameter(self.schema.key, str(error)) from error
        return Buckets(self.store, self.table, self.schema, value)

    def not_found(self, buckets: Buckets) -> NotFound:
        return NotFound(f"{self.schema.key} {buckets.key!r}: no events were counted")

    def totals(self, key: str, query: TotalsQuery) -> dict[str, Any]:
        # Read progress before buckets, so that all buckets that it calls complete are read.
        through, buckets = self.progress(self.use_case).through, self.buckets(key)
        _check_range(query)
        measures, known = buckets.sums(*_range(query))
        if not known:
            raise self.not_found(buckets)
        return answers.totals(self.schema, buckets.key, measures, through)

    def periods(self, key: str, query: PeriodQuery) -> dict[str, Any]:
        buckets, calendar = self.buckets(key), Calendar(query.period, query.timezone)
        self._check(query)
        progress = self.progress(self.use_case)
        question = paging.digest([self.schema.path, buckets.key, *_without_paging(query)])
        low, high = _page(query, question)
        stored = buckets.between(low, high, descending=query.desc)
        rows = list(islice(counting.rows(self.schema, stored, calendar), query.limit + 1))
        if not rows and not buckets.exist():
            raise self.not_found(buckets)
        return {
            self.schema.key: buckets.key,
            "period": query.period.value,
            "timezone": query.timezone.key,
            "rows": [
                self._row(r, calendar, final=progress.final(min(r.end, counting.moment(high))))
                for r in rows[: query.limit]
            ],
            "next": _next(query, rows, question),
        }

    def _row(self, row: Row, calendar: Calendar, *, final: bool) -> dict[str, Any]:
        return answers.row(self.schema, row, calendar, final=final)

    def _check(self, query: PeriodQuery) -> None:
        bucket = self.parameters.aggregation_period
        if LENGTHS[query.period] < bucket:
            raise BadParameter(
                "period",
                f"{query.period} is shorter than AggregationPeriod, {format_duration(bucket)}",
            )
        _check_range(query)


def _check_range(query: TotalsQuery) -> None:
    if query.from_ and query.to and query.from_ > query.to:
        raise BadParameter("from", "is after `to`")


def _range(query: TotalsQuery) -> tuple[int, int]:
    """The query's range, epoch seconds."""
    low = seconds(query.from_) if query.from_ else ALWAYS[0]
    return low, seconds(query.to) if query.to else ALWAYS[1]


def _page(query: PeriodQuery, question: bytes) -> tuple[int, int]:
    """The range of the page, epoch seconds: the query's range from its token on."""
    low, high = _range(query)
    if query.next is None:
        return low, high
    try:
        at = paging.decode(query.next, question)
    except paging.TokenError as error:
        raise BadParameter("next", str(error)) from error
    return (low, min(high, at)) if query.desc else (max(low, at), high)


def _next(query: PeriodQuery, rows: list[Row], question: bytes) -> str | None:
    """The token of the page that starts after the last row of this one."""
    if len(rows) <= query.limit:
        return None
    cut = rows[-2].start if query.desc else rows[-1].start
    return paging.encode(seconds(cut), question)


def _without_paging(query: PeriodQuery) -> list[object]:
    return [query.from_, query.to, query.period, query.timezone.key, query.desc]


def _add_routes(app: FastAPI, report: _Report) -> None:
    path, name = report.schema.path, report.schema.name
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 404, 503)
    }

    def totals(key: str, query: Annotated[TotalsQuery, Query()]) -> JSONResponse:
        return JSONResponse(report.totals(key, query))

    def periods(key: str, query: Annotated[PeriodQuery, Query()]) -> JSONResponse:
        return JSONResponse(report.periods(key, query))

    app.add_api_route(
        f"/reports/{path}/{{key}}",
        totals,
        dependencies=[only(TotalsQuery)],
        name=f"{name} totals",
        description=f"{report.schema.doc} Sums over all time, or over a range.",
        response_model=answers.totals_model(report.schema),
        responses=problems,
        tags=[report.use_case],
    )
    app.add_api_route(
        f"/reports/{path}/{{key}}/period",
        periods,
        dependencies=[only(PeriodQuery)],
        name=f"{name} by period",
        description=f"{report.schema.doc} By calendar period of a time zone.",
        response_model=answers.periods_model(report.schema),
        responses=problems,
        tags=[report.use_case],
    )
    for endpoint, rest, query in ((totals, "", TotalsQuery), (periods, "/period", PeriodQuery)):
        app.add_api_route(
            f"/reports/{path}/{{key}}{rest}",
            endpoint,
            dependencies=[only(query)],
            methods=["HEAD"],
            include_in_schema=False,
        )
