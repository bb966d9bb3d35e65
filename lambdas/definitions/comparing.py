"""What a draft makes of an event, beside the version that is in force at the event's own time."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glue.definitions import FEATURES, DefinitionKind, Role
from lambdas.definitions import versions
from lambdas.definitions.cel import Checker, EvaluationError
from lambdas.definitions.documents import Checkers, Draft
from lambdas.definitions.features import Computing, Values, named, value
from lambdas.definitions.filling import fill
from lambdas.definitions.ranges import Outcome
from lambdas.ports.definitions import Version


@dataclass(frozen=True)
class Comparison:
    """A draft, and the versions that decide as long as it is not written."""

    draft: Draft
    kind: DefinitionKind
    history: Sequence[Version]
    checkers: Checkers
    features: Computing

    def of(self, values: Values, at: int) -> tuple[Outcome, dict[str, Any]]:
        """The draft's outcome for an event at `at`, epoch ms, and that of the version in force.

        Only of one that is about the same kind of business event.
        """
        mine = self._outcome(values, at, self.draft)
        version = versions.in_force(self.history, at)
        if version is None or version.body["kind_of_event"] != self.draft.body["kind_of_event"]:
            return mine, {"in_force": None, "differs": True}
        other = self._outcome(values, at, versions.as_draft(version))
        in_force = {"version": version.version, "mode": version.mode, **other.to_json()}
        return mine, {"in_force": in_force, "differs": mine != other}

    def _outcome(self, values: Values, at: int, draft: Draft) -> Outcome:
        of = draft.body["kind_of_event"]
        known = self.features.of(named(draft), of, values, at)
        checker, values = self.checkers.of(of), {**values, FEATURES: known.results}
        try:
            if self.kind.with_role(Role.FILLED):
                return Outcome(_filled(values, draft, self.kind, checker))
            evaluate = value if self.kind.is_feature else Checker.evaluate
            return Outcome(evaluate(checker, base64.b64decode(draft.checked), values))
        except EvaluationError as error:
            return Outcome(error=known.explained(str(error)))


def _filled(values: Values, draft: Draft, kind: DefinitionKind, checker: Checker) -> dict[str, str]:
    def value_of(text: str) -> Any:
        return checker.evaluate(base64.b64decode(draft.placeholders[text]), values)

    return {name: fill(draft.body[name], value_of) for name in kind.with_role(Role.FILLED)}
