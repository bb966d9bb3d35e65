"""The routes that the page's views of the platform read: what flows, and what came of it.

Each is paged, refuses unknown parameters, and reads what the commands read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from glue import Catalog, Series, UseCase
from glue.parameters import Parameters
from glue.targets import dynamodb
from glue.targets.dynamodb import Item
from lambdas.balance import Ledger
from lambdas.dashboard import actions, flows, ledger, models, replays, series
from lambdas.dashboard.flows import Flows
from lambdas.dashboard.models import Models
from lambdas.dashboard.routes import Deployed, add, add_post, add_unavailable, parsed_body
from lambdas.http.queries import NotFound
from lambdas.ports import actions as action_ports
from lambdas.ports.actions import ActionLog
from lambdas.ports.lake_rows import LakeRows
from lambdas.ports.measured import MetricsUnavailable
from lambdas.ports.model_registry import RegistryUnavailable
from lambdas.ports.replays import Replays
from lambdas.ports.report_store import StoreUnavailable
from lambdas.replaying import Door

_UNAVAILABLE: dict[type[Exception], str] = {
    MetricsUnavailable: "the metrics cannot be read now",
    RegistryUnavailable: "the registry of models cannot be read now",
    StoreUnavailable: "the table cannot be read now",
    action_ports.StoreUnavailable: "the table of actions cannot be read now",
}


class ProgressOf(Protocol):
    """Reads how far a use case has come."""

    def __call__(self, use_case: str) -> Item | None:
        """Its item; None before the first. Raises StoreUnavailable."""


@dataclass(frozen=True)
class Sources:
    """What the views are read from; `actions` by use case, `audited` those with a ledger.

    Dead letters are sent again by the `door`, and `replays` has what was.
    """

    lake: LakeRows
    flows: Flows
    models: Models
    actions: Mapping[str, ActionLog]
    ledger: Ledger
    progress: ProgressOf
    audited: Collection[str]
    replays: Replays
    door: Door


def add_views(
    app: FastAPI,
    catalog: Catalog,
    sources: Sources,
    parameters: Mapping[str, Parameters],
    now: Callable[[], datetime],
) -> None:
    """Add the routes over every use case of the catalog; `now` is UTC."""
    for kind, detail in _UNAVAILABLE.items():
        add_unavailable(app, kind, detail)
    views = _Views(catalog, sources, parameters, now)
    add(app, "/series/{use_case}/{name}/lines", views.lines, series.Lines, series.LinesQuery)
    add(app, "/series/{use_case}/{name}", views.points, series.Points, series.PointsQuery)
    add(app, "/metrics/{use_case}/stages", views.stages, flows.Stages)
    add(app, "/metrics/{use_case}", views.minutes, flows.Flow, flows.FlowQuery)
    add(app, "/models/{use_case}/{version}/evaluation", views.evaluation, models.Evaluation)
    add(app, "/models/{use_case}", views.versions, models.ModelVersions, models.VersionsQuery)
    add(app, "/actions/{use_case}", views.action_rows, actions.ActionRows, actions.ActionsQuery)
    add(
        app,
        "/decisions/{use_case}",
        views.decision_rows,
        actions.DecisionRows,
        actions.DecisionsQuery,
    )
    sent, one = replays.ReplayState, replays.LetterQuery
    add_post(
        app,
        "/dead-letters/{use_case}/replay",
        views.replay,
        replays.Replayed,
        replays.ReplayRequest,
    )
    add(app, "/dead-letters/{use_case}/replay", views.replay_state, sent, one)
    outcome = replays.Outcome
    add(app, "/dead-letters/{use_case}/replay/outcome", views.outcome, outcome, one)
    add(app, "/ledger/{use_case}", views.ledger_minutes, ledger.LedgerMinutes, ledger.LedgerQuery)
    listed, of_minute = ledger.MissingRows, ledger.MissingQuery
    add(app, "/ledger/{use_case}/missing", views.missing_records, listed, of_minute)


class _Views:
    """Each calls its source in a thread of the framework, and returns its answer."""

    def __init__(
        self,
        catalog: Catalog,
        sources: Sources,
        parameters: Mapping[str, Parameters],
        now: Callable[[], datetime],
    ) -> None:
        self._use_case = Deployed(catalog).use_case
        self._sources, self._parameters, self._now = sources, parameters, now
        self._replaying = replays.Replaying(sources.lake, sources.replays, sources.door, now)

    async def replay(self, use_case: str, request: Request) -> JSONResponse:
        """Send dead letters again, or with `dry_run` return what would be sent.

        Each is sent at most once: a request may be repeated. The records go through the public API
        of ingestion, as their senders sent them or corrected, with the same event_id and time.
        """
        of = self._use_case(use_case)
        body = await parsed_body(request, replays.ReplayRequest)
        return JSONResponse(await run_in_threadpool(self._replaying.replay, of.name, body))

    def replay_state(
        self, use_case: str, query: Annotated[replays.LetterQuery, Query()]
    ) -> JSONResponse:
        """Whether a dead letter was sent again, and the answer to it."""
        return JSONResponse(self._replaying.state(self._use_case(use_case).name, query.id))

    def outcome(
        self, use_case: str, query: Annotated[replays.LetterQuery, Query()]
    ) -> JSONResponse:
        """What became of the record that a dead letter was sent again as, by the lake."""
        of = self._use_case(use_case)
        own = self._parameters[of.name]

        def through() -> datetime | None:
            watermark = self._watermark(of.name)
            return watermark and watermark - own.settling

        return JSONResponse(self._replaying.outcome(of, query.id, own, through))

    def _watermark(self, use_case: str) -> datetime | None:
        return dynamodb.watermark(self._sources.progress(use_case))

    def lines(
        self, use_case: str, name: str, query: Annotated[series.LinesQuery, Query()]
    ) -> JSONResponse:
        """The lines of a series: whose values were measured today or yesterday."""
        of = self._use_case(use_case)
        lake, named = self._sources.lake, _series(of, name)
        return JSONResponse(series.lines(lake, of, named, query, self._now()))

    def points(
        self, use_case: str, name: str, query: Annotated[series.PointsQuery, Query()]
    ) -> JSONResponse:
        """The values of a line, the newest first. They arrive with the lake's files."""
        of = self._use_case(use_case)
        lake, named = self._sources.lake, _series(of, name)
        return JSONResponse(series.points(lake, of, named, query, self._now()))

    def minutes(self, use_case: str, query: Annotated[flows.FlowQuery, Query()]) -> JSONResponse:
        """The records of a use case by minute: in, out and refused; the newest first."""
        of = self._use_case(use_case)
        return JSONResponse(self._sources.flows.minutes(of, query, self._now()))

    def stages(self, use_case: str) -> JSONResponse:
        """How far each stage of a use case is behind, in seconds."""
        of = self._use_case(use_case)
        own, progress = self._parameters[of.name], self._sources.progress(of.name)
        return JSONResponse(self._sources.flows.stages(of, own, progress, self._now()))

    def versions(
        self, use_case: str, query: Annotated[models.VersionsQuery, Query()]
    ) -> JSONResponse:
        """The versions of a model with their figures, the newest first."""
        return JSONResponse(self._sources.models.versions(self._use_case(use_case), query))

    def evaluation(self, use_case: str, version: str) -> JSONResponse:
        """What the gate decided about a version: all models on the same rows, and why."""
        return JSONResponse(self._sources.models.evaluation(self._use_case(use_case), version))

    def action_rows(
        self, use_case: str, query: Annotated[actions.ActionsQuery, Query()]
    ) -> JSONResponse:
        """Actions with their state at each destination, the newest first; of one or all."""
        of = self._use_case(use_case)
        if of.name not in self._sources.actions:
            raise NotFound(f"{of.name} has no actions")
        log = self._sources.actions[of.name]
        return JSONResponse(actions.actions(log, of, query, self._now()))

    def decision_rows(
        self, use_case: str, query: Annotated[actions.DecisionsQuery, Query()]
    ) -> JSONResponse:
        """Decisions with the result of each rule, the newest first. They arrive with files."""
        of = self._use_case(use_case)
        return JSONResponse(actions.decisions(self._sources.lake, of, query, self._now()))

    def ledger_minutes(
        self, use_case: str, query: Annotated[ledger.LedgerQuery, Query()]
    ) -> JSONResponse:
        """What was received in each minute and what became of it; the newest first."""
        of = self._audited(use_case)
        watermark = self._watermark(of.name)  # before the ledger: what it has passed is in there
        own = self._parameters[of.name]
        rows = ledger.ledger(self._sources.ledger, of, query, watermark, own, self._now())
        return JSONResponse(rows)

    def missing_records(
        self, use_case: str, query: Annotated[ledger.MissingQuery, Query()]
    ) -> JSONResponse:
        """The records of a minute that were accepted and have no outcome, by the lake."""
        of = self._audited(use_case)
        watermark, own = self._watermark(of.name), self._parameters[of.name]
        lake = self._sources.lake
        return JSONResponse(ledger.missing(self._sources.ledger, lake, of, query, watermark, own))

    def _audited(self, use_case: str) -> UseCase:
        of = self._use_case(use_case)
        if of.name not in self._sources.audited:
            raise NotFound(f"{of.name} has no ledger; its pipeline counts no outcomes")
        return of


def _series(use_case: UseCase, name: str) -> Series:
    for series_ in use_case.series:
        if series_.name == name:
            return series_
    choices = ", ".join(each.name for each in use_case.series) or "none"
    raise NotFound(f"{use_case.name} has no series {name!r}; series: {choices}")
