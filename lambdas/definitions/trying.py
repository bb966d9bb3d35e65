"""POST …/test: what a definition would do, for sample events or for those of a range of the lake.

Nothing is stored. Each event is compared with the version in force at its own time. A business
event of the lake is evaluated as the stream does, with the profile by which it was decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from glue import UseCase, instants
from glue.definitions import DefinitionKind, Definitions
from glue.targets.pydantic import annotation
from glue.types import Column
from lambdas.definitions import versions
from lambdas.definitions.comparing import Comparison
from lambdas.definitions.documents import Checkers, Draft, parse
from lambdas.definitions.features import Features, Values
from lambdas.definitions.ranges import MAX_EVENTS, QUERY_SECONDS, SECONDS, Tally
from lambdas.http.queries import NotFound
from lambdas.http.rejections import Rejection, from_validation, shown
from lambdas.ports.business_events import BusinessEvent, BusinessEvents
from lambdas.ports.definitions import DefinitionsStore, Version

MAX_SAMPLES = 100
MAX_RANGE = timedelta(days=31)
_CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_FIELDS = ("definition", "events", "from", "to")


@dataclass(frozen=True)
class Trial:
    """What is tested: a draft, or the newest version; over samples, or over a range."""

    draft: Draft | None
    samples: Sequence[Any] | None = None
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def parse(
        cls, sent: object, kind: DefinitionKind, declared: Definitions, checkers: Checkers
    ) -> Trial:
        """From a request's body. Raises Rejection with the field that is wrong."""
        if not isinstance(sent, dict):
            raise Rejection("wrong_type", "", f"{shown(sent)} is not an object; send one")
        for name in sent:
            if name not in _FIELDS:
                message = f"{name[:60]!r} is unknown; fields: {', '.join(_FIELDS)}"
                raise Rejection("unknown_field", f"/{name[:60]}", message)
        draft = None
        if sent.get("definition") is not None:
            draft = _below(
                "/definition", lambda: parse(sent["definition"], kind, declared, checkers)
            )
        if sent.get("events") is not None:
            if sent.get("from") is not None or sent.get("to") is not None:
                raise Rejection("unknown_field", "/from", "send events, or from and to, not both")
            return cls(draft, _samples(sent["events"]))
        start, end = (_instant(sent, name) for name in ("from", "to"))
        _check_range(start, end)
        return cls(draft, None, start, end)


def _samples(sent: object) -> Sequence[Any]:
    if not isinstance(sent, list) or not 1 <= len(sent) <= MAX_SAMPLES:
        size = f"a list of {len(sent)}" if isinstance(sent, list) else shown(sent)
        raise Rejection(
            "out_of_range", "/events", f"{size}: send a list of 1 to {MAX_SAMPLES} events"
        )
    return sent


def _instant(sent: Mapping[str, Any], name: str) -> datetime:
    if sent.get(name) is None:
        raise Rejection(
            "missing_field", f"/{name}", f"{name} is missing; send events, or from and to"
        )
    try:
        return instants.parse(sent[name])
    except ValueError as error:
        raise Rejection("invalid_time", f"/{name}", f"{shown(sent[name])}: {error}") from None


def _check_range(start: datetime, end: datetime) -> None:
    if not start < end:
        raise Rejection("out_of_range", "/to", "to is not after from")
    if end - start > MAX_RANGE:
        raise Rejection(
            "out_of_range", "/to", f"the range is longer than {MAX_RANGE.days} days; send a shorter"
        )


def _below(where: str, check: Callable[[], Draft]) -> Draft:
    try:
        return check()
    except Rejection as error:
        error.field = f"{where}{error.field}"
        raise


class Trier:
    """Tests definitions of one use case."""

    def __init__(
        self,
        use_case: UseCase,
        declared: Definitions,
        checkers: Checkers,
        store: DefinitionsStore,
        table: str,
        features: Features,
        business_events: BusinessEvents,
        now: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._use_case, self._declared, self._checkers = use_case, declared, checkers
        self._store, self._table, self._features = store, table, features
        self._events, self._now, self._monotonic = business_events, now, monotonic

    def answer(self, trial: Trial, kind: DefinitionKind, name: str) -> Mapping[str, Any]:
        """The results. Raises NotFound if there is nothing to test, Rejection for samples."""
        deadline = self._monotonic() + SECONDS
        if not kind.is_tested:
            raise Rejection(
                "nothing_to_test", "", f"a {kind.name} has neither expression nor placeholders"
            )
        history = versions.all_versions(self._store, self._table, kind.name, name)
        draft = trial.draft or self._newest(history, kind, name)
        computing = self._features.computing(self._checkers.of)
        both = Comparison(draft, kind, history, self._checkers, computing)
        if trial.samples is not None:
            return {"results": list(self._of_samples(trial.samples, both))}
        assert trial.start is not None and trial.end is not None
        return self._of_range(trial.start, trial.end, both, deadline)

    def _newest(self, history: Sequence[Version], kind: DefinitionKind, name: str) -> Draft:
        if not history or versions.is_over(history[0], self._now()):
            raise NotFound(f"there is no {kind.name} {name!r}; send the definition to test")
        stored = next(version for version in history if not version.ended)
        return versions.as_draft(stored)

    def _of_samples(self, samples: Sequence[Any], both: Comparison) -> Iterator[dict[str, Any]]:
        variables = self._declared.variables(both.draft.body["kind_of_event"])
        for index, sample in enumerate(samples):
            values = _sample(sample, index, variables)
            at = _occurred(values.get("event", {}), self._now())
            mine, deciding = both.of(values, at)
            yield {"index": index, **mine.to_json(), **deciding}

    def _of_range(
        self, start: datetime, end: datetime, both: Comparison, deadline: float
    ) -> dict[str, Any]:
        of = both.draft.body["kind_of_event"]
        newest = self._events.between(
            self._use_case.name, of, start, end, MAX_EVENTS, QUERY_SECONDS
        )
        tally = Tally(newest.total, has_profiles=self._declared.profile is not None)
        for event in newest.events:
            if self._monotonic() > deadline:
                break
            if event.unknown:
                tally.leave_out()
                continue
            at = instants.to_millis(event.fields["occurred_at"])
            tally.add(event, *both.of(_variables(event), at))
        return tally.to_json()


def _variables(event: BusinessEvent) -> Values:
    """As the stream has them: without a profile none of its fields is there."""
    return {"event": event.fields, "profile": event.profile or {}}


def _sample(sent: object, index: int, variables: Mapping[str, tuple[Column, ...]]) -> Values:
    try:
        sample = _model(tuple(variables.items())).model_validate(sent)
    except ValidationError as error:
        rejection = from_validation(error, "a sample", _names(error, variables))
        rejection.field = f"/events/{index}{rejection.field}"
        raise rejection from None
    return sample.model_dump(exclude_none=True)


def _names(error: ValidationError, variables: Mapping[str, tuple[Column, ...]]) -> list[str]:
    """The fields of the group that the first error is in."""
    group = str(error.errors(include_url=False)[0]["loc"][0]) if error.errors()[0]["loc"] else ""
    nested = len(error.errors()[0]["loc"]) > 1
    return [c.name for c in variables[group]] if nested and group in variables else [*variables]


@cache
def _model(variables: tuple[tuple[str, tuple[Column, ...]], ...]) -> type[BaseModel]:
    """Groups of fields, each of which may be absent."""
    groups: dict[str, Any] = {}
    for name, columns in variables:
        fields: dict[str, Any] = {
            c.name: (annotation(c.type, c.name) | None, Field(None)) for c in columns
        }
        group = create_model(name.title(), __config__=_CONFIG, **fields)
        groups[name] = (group | None, Field(None))
    return create_model("Sample", __config__=_CONFIG, **groups)


def _occurred(event: Mapping[str, Any], now: int) -> int:
    """The event's own time, or now."""
    at = event.get("occurred_at")
    return now if at is None else instants.to_millis(at)
