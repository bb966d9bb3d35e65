"""The Lambda entry point: each minute, adds partitions and dead letters of every use case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

import usecases
from glue import UseCase
from glue.catalog import DEAD_LETTERS
from glue.targets.lake import lake_tables
from lambdas.adapters import clock, kinesis, objects, partitions
from lambdas.lake.errors import ErrorReports
from lambdas.lake.partitions import Registrar
from lambdas.lake.refused import Elsewhere
from lambdas.lake.state import State, state_key
from lambdas.lakestore.objects import Objects
from lambdas.lakestore.partitions import GlueCatalog
from lambdas.ports.stream import Stream
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Reserved for storing the state.
MARGIN_MS = 15_000

logger = Logger()


@dataclass(frozen=True)
class Look:
    """One run for a use case: registers delivered hours and reports refused records."""

    objects: Objects
    catalog: GlueCatalog
    letters: Stream
    settings: Settings

    def __call__(
        self, use_case: UseCase, now: datetime, more: Callable[[], bool] = lambda: True
    ) -> dict[str, int]:
        """Returns the numbers of new partitions and dead letters. `more`: whether time is left."""
        key, tables = state_key(use_case.name), lake_tables(use_case)
        stored = self.objects.read(key)
        before = None if stored is None else stored[0]
        state = State.read(before)
        days = state.days(now, self.settings.retention)
        report = ErrorReports(
            self.objects,
            self.letters,
            self.settings.stream(use_case.name, DEAD_LETTERS),
            Elsewhere(use_case),
            more,
        )
        register = Registrar(self.objects, self.catalog, more)
        try:
            added = register(use_case.name, tables, state.tables, days, now)
            letters = sum(report(table, state.reported, days, now) for table in tables)
            if more():
                state.done(now, self.settings.retention)
        finally:
            if (after := state.write()) != before:
                self.objects.write(key, after)
        return {"partitions": added, "dead_letters": letters}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, dict[str, int]]:
    """Entry point. Returns the new partitions and dead letters of each use case."""
    look = bootstrap()
    done: dict[str, dict[str, int]] = {}
    errors: list[Exception] = []
    for use_case in usecases.load(look.settings.use_cases).use_cases:
        try:
            done[use_case.name] = look(use_case, clock.now(), lambda: _time_left(context))
        except Exception as error:  # noqa: BLE001 the other use cases are not held up by this one
            errors.append(error)
    logger.info("looked", extra={"new": done})
    if errors:
        raise ExceptionGroup("the lake was not updated", errors)
    return done


def _time_left(context: LambdaContext) -> bool:
    return context.get_remaining_time_in_millis() > MARGIN_MS


@cache
def bootstrap() -> Look:
    """The function's parts, from its environment; built at its first call."""
    settings, glue = Settings.from_environment(), partitions.client()
    return Look(
        objects=objects.BucketObjects(objects.client(), settings.lake_bucket),
        catalog=partitions.GluePartitions(glue, settings.databases, settings.lake_bucket),
        letters=kinesis.KinesisStream(kinesis.client(), budget_seconds=20),
        settings=settings,
    )
