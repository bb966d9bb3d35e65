"""Features: values that rules and templates use by their names, each a definition of its own.

Which there are when an expression is checked, which a document names, and what they are for the
event that a document is tested with: by the version in force at the event's time, as in the stream.
A feature without a result is absent, as a field without a value is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import isfinite
from typing import Any

from glue.definitions import FEATURE_TYPES, FEATURES, Definitions
from glue.types import Column
from lambdas.definitions import versions
from lambdas.definitions.cel import Checker, EvaluationError, fields
from lambdas.definitions.documents import Draft
from lambdas.ports.definitions import DefinitionsStore, Version

Values = Mapping[str, Mapping[str, Any]]


def named(document: Draft | Version) -> dict[str, str]:
    """The features that a document's expressions name, with their types; "" in has() alone."""
    found: dict[str, str] = {}
    for checked in (document.checked, *document.placeholders.values()):
        for name, kind in _named(checked):
            found[name] = kind or found.get(name, "")
    return found


@lru_cache(maxsize=1_024)
def _named(checked: str) -> tuple[tuple[str, str], ...]:
    return tuple(fields(base64.b64decode(checked), FEATURES).items()) if checked else ()


def value(checker: Checker, form: bytes, values: Values) -> Any:
    """What a feature is, by its checked form. Raises EvaluationError if it has no result.

    Infinity and NaN are none: nobody means them, and the runtimes disagree on whether a value that
    is NaN equals itself.
    """
    result = checker.evaluate(form, values)
    if isinstance(result, float) and not isfinite(result):
        raise EvaluationError("it is not a finite number")
    return result


@dataclass(frozen=True)
class Features:
    """The features of one use case."""

    declared: Definitions
    store: DefinitionsStore
    table: str

    def columns(self, kind_of_event: str) -> tuple[Column, ...] | None:
        """What an expression about such events may name, in force or planned; None: nothing ever.

        Raises StoreUnavailable.
        """
        kind = self.declared.feature
        if kind is None:
            return None
        return tuple(
            Column(head.name, FEATURE_TYPES[head.body["type"]], required=False, doc="A feature.")
            for head in versions.heads(self.store, self.table, kind.name)
            if not head.ended and head.body["kind_of_event"] == kind_of_event
        )

    def computing(self, checker: Callable[[str], Checker]) -> Computing:
        """Computes features; `checker` of a kind of event. Reads each feature's versions once."""
        kind = self.declared.feature
        return Computing(
            cache(lambda name: versions.all_versions(self.store, self.table, kind.name, name))
            if kind
            else lambda _: (),
            checker,
        )


@dataclass(frozen=True)
class Known:
    """The features of an event: their results, and of each other one why it has none."""

    results: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def explained(self, error: str) -> str:
        """An error of an expression that names them, with the features that have no result."""
        return "; ".join([error, *self.missing.values()])


@dataclass(frozen=True)
class Computing:
    """Computes the features of events, as the stream does."""

    history: Callable[[str], Sequence[Version]]
    checker: Callable[[str], Checker]

    def of(self, names: Iterable[str], kind_of_event: str, values: Values, at: int) -> Known:
        """Those of an event of this kind that happened at `at`, epoch milliseconds."""
        results: dict[str, Any] = {}
        missing: dict[str, str] = {}
        for name in sorted(names):
            version = versions.in_force(self.history(name), at)
            if version is None:
                missing[name] = f"the feature {name} is not in force"
            elif (other := version.body["kind_of_event"]) != kind_of_event:
                missing[name] = f"the feature {name} is for business events {other!r}"
            else:
                try:
                    form = base64.b64decode(version.checked)
                    results[name] = value(self.checker(kind_of_event), form, values)
                except EvaluationError as error:
                    missing[name] = f"the feature {name} has no result: {error}"
        return Known(results, missing)
