"""A document as it is sent: fields, instant and mode, with every expression checked."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from glue import instants
from glue.definitions import FEATURE_TYPES, LIVE, SHADOW, DefinitionKind, Definitions, Role
from glue.targets.pydantic import Instant, annotation
from glue.types import Column
from lambdas.definitions.cel import Checked, Checker, ExpressionError
from lambdas.definitions.filling import RESULTS, placeholders
from lambdas.http.rejections import Rejection, from_validation, shown

MAX_CHECKERS = 64  # that are kept
_CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Draft:
    """A document that may be written. `valid_from`: epoch milliseconds, if it was given."""

    body: Mapping[str, Any]
    mode: str = LIVE
    valid_from: int | None = None
    checked: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)


class Misplaced(Rejection):
    """An expression is wrong: where in the text, in characters from 0, and as line and column."""

    def __init__(self, where: str, text: str, error: ExpressionError, start: int = 0) -> None:
        super().__init__("invalid_expression", where, error.message)
        offset = min(start + error.offset, len(text))
        before = text[:offset].split("\n")
        self.position = {
            "offset": offset,
            "line": len(before),
            "column": len(before[-1]) + 1,
        }


class Checkers:
    """A use case's checkers, built when first needed; `features`: those there are for a kind now.

    `of` is that of a kind of business event without features, `naming` the one with them.
    """

    def __init__(
        self,
        declared: Definitions,
        features: Callable[[str], tuple[Column, ...] | None] = lambda _: None,
    ) -> None:
        self._features = features
        self._over = lru_cache(maxsize=MAX_CHECKERS)(lambda k, f: Checker(declared.variables(k, f)))

    def of(self, kind_of_event: str) -> Checker:
        """For expressions of event and profile, and for the evaluation of all."""
        return self._over(kind_of_event, None)

    def naming(self, kind_of_event: str) -> Checker:
        """For expressions that may name features too. Raises StoreUnavailable."""
        return self._over(kind_of_event, self._features(kind_of_event))


def parse(sent: object, kind: DefinitionKind, declared: Definitions, checkers: Checkers) -> Draft:
    """The document. Raises Rejection with the first field that is wrong."""
    if not isinstance(sent, dict):
        raise Rejection("wrong_type", "", f"{shown(sent)} is not an object; send one {kind.name}")
    values = _validated(sent, kind)
    mode, valid_from = values.pop("mode"), values.pop("valid_from")
    _check_mode(mode, kind)
    body = {n: kind.defaults.get(n) if v is None else _plain(v) for n, v in values.items()}
    _check_event_kind(body, kind, declared)
    _check_distinct(body, kind)
    body |= {name: _duration(name, str(body[name]), kind) for name in kind.durations}
    checked, filled = _check_expressions(body, kind, checkers)
    return Draft(
        body,
        mode or LIVE,
        None if valid_from is None else instants.to_millis(valid_from),
        checked,
        filled,
    )


def _check_mode(mode: object, kind: DefinitionKind) -> None:
    if mode in (None, *kind.modes):
        return
    allowed = f"send {' or '.join(kind.modes)}"
    if mode == SHADOW:
        allowed = f"a {kind.name} has no shadow; {allowed}, under another name to try it beside"
    raise Rejection("unknown_mode", "/mode", f"{shown(mode)} is not a mode; {allowed}")


def _check_distinct(body: Mapping[str, Any], kind: DefinitionKind) -> None:
    first: dict[Any, str] = {}
    for name in kind.with_role(Role.DISTINCT):
        if other := first.get(body[name]):
            message = f"{shown(body[name])} is that of {other} too; send another"
            raise Rejection("not_distinct", f"/{name}", message)
        first[body[name]] = name


def _duration(name: str, text: str, kind: DefinitionKind) -> str:
    bounds = kind.durations[name]
    try:
        return kind.duration(name, text)
    except ValueError as error:
        message = (
            f"{str(error)[:200]}; send an ISO 8601 duration from {bounds.low} to {bounds.high}"
        )
        raise Rejection("invalid_duration", f"/{name}", message) from None


def _validated(sent: Mapping[str, Any], kind: DefinitionKind) -> dict[str, Any]:
    fields = ["valid_from", "mode", *kind.names]
    try:
        return dict(model_of(kind).model_validate(sent))
    except ValidationError as error:
        raise from_validation(error, kind.name, fields) from None


@cache
def _model(
    name: str, doc: str, columns: tuple[Column, ...], modes: tuple[str, ...]
) -> type[BaseModel]:
    fields: dict[str, Any] = {
        "valid_from": (
            Instant | None,
            Field(None, description="From when on it is valid: event time, after the frontier."),
        ),
        "mode": (
            str | None,
            Field(
                None,
                description="`shadow` decides and is recorded, and has no effect."
                if SHADOW in modes
                else "It has no shadow.",
                json_schema_extra={"enum": [*modes, None]},
            ),
        ),
    }
    for column in columns:
        hint = annotation(column.type, column.name)
        if column.required:
            fields[column.name] = (hint, Field(..., description=column.doc))
        else:
            fields[column.name] = (hint | None, Field(None, description=column.doc))
    return create_model(name.title(), __config__=_CONFIG, __doc__=doc, **fields)


def model_of(kind: DefinitionKind) -> type[BaseModel]:
    """The model of what may be sent for a kind."""
    return _model(kind.name, kind.doc, kind.columns, kind.modes)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, BaseModel) else value


def _check_event_kind(body: Mapping[str, Any], kind: DefinitionKind, declared: Definitions) -> None:
    for name in kind.with_role(Role.EVENT_KIND):
        if body[name] is not None and body[name] not in declared.events:
            raise Rejection(
                "unknown_kind",
                f"/{name}",
                f"{shown(body[name])} is not a kind of business event; kinds: "
                f"{', '.join(declared.events)}",
            )


def _check_expressions(
    body: dict[str, Any], kind: DefinitionKind, checkers: Checkers
) -> tuple[str, dict[str, str]]:
    if not kind.is_tested:
        return "", {}
    (of,) = kind.with_role(Role.EVENT_KIND)
    if kind.is_feature:
        return _check_value(body, kind, checkers.of(body[of])), {}
    checker = checkers.naming(body[of])
    checked = ""
    for name in kind.with_role(Role.EXPRESSION):
        checked = _base64(_check(f"/{name}", body[name], checker, ("bool",)).form)
    found: dict[str, str] = {}
    for name in kind.with_role(Role.FILLED):
        found |= _check_placeholders(f"/{name}", body[name], checker)
    return checked, found


def _check_value(body: dict[str, Any], kind: DefinitionKind, checker: Checker) -> str:
    """The checked form of a feature's expression, whose type the document has from then on."""
    (name,), (of,) = kind.with_role(Role.VALUE), kind.with_role(Role.RESULT)
    checked = _check(f"/{name}", body[name], checker, FEATURE_TYPES)
    if body[of] not in (None, checked.result):
        message = (
            f"{shown(body[of])} is not the type of the expression; send {checked.result}, or no "
            f"{of}"
        )
        raise Rejection("other_type", f"/{of}", message)
    body[of] = checked.result
    return _base64(checked.form)


def _check(where: str, text: str, checker: Checker, results: Collection[str]) -> Checked:
    try:
        return checker.check(text, results)
    except ExpressionError as error:
        raise Misplaced(where, text, error) from None


def _check_placeholders(where: str, text: str, checker: Checker) -> dict[str, str]:
    found, start = {}, 0
    try:
        for one in list(placeholders(text)):
            start = one.start
            found[one.text] = _base64(checker.check(one.text, RESULTS).form)
    except ExpressionError as error:
        raise Misplaced(where, text, error, start) from None
    return found


def _base64(form: bytes) -> str:
    return base64.b64encode(form).decode()
