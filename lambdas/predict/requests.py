"""Parses a request's body into instances; each field is checked against the model's declaration.

A category is text, or a number if its column is one; an unseen category is not an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from glue.models import Model, RequestField
from glue.types import Double, Integer, String
from lambdas.http.bodies import JSON, document, exact, has_fraction, media_type
from lambdas.http.rejections import Rejection, pointer, shown, too_large
from lambdas.http.requests import InvalidRequest, check_size

MAX_INSTANCES = 500
LONGEST = 256
Instance = Mapping[str, Any]


def instances(body: bytes, content_type: str | None, model: Model) -> Sequence[Instance]:
    """The instances of a request, one or several. Raises InvalidRequest or Rejection."""
    if media_type(content_type) != JSON:
        raise InvalidRequest(415, f"{content_type!r}: send {JSON}")
    value = _parsed(body)
    try:
        return _checked(value, model)
    except Rejection:
        if not has_fraction(value):
            raise
    return _checked(exact(body), model)


def _checked(value: Any, model: Model) -> Sequence[Instance]:
    if not isinstance(value, dict):
        raise Rejection("wrong_type", "", f"{shown(value)} is not a JSON object; send an object")
    if "instances" not in value:
        _check(model, value, ())
        return [value]
    instances = value["instances"]
    _check_several(value, instances)
    for index, instance in enumerate(instances):
        _check(model, instance, ("instances", index))
    return list(instances)


def _parsed(body: bytes) -> Any:
    if not body.strip():
        raise InvalidRequest(400, 'the body is empty; send an object, or {"instances": [...]}')
    check_size(body)
    return document(body)


def _check_several(value: Mapping[str, Any], instances: Any) -> None:
    others = [name for name in value if name != "instances"]
    if others:
        message = f"{others[0]!r} beside instances; send it in each instance"
        raise Rejection("unknown_field", pointer(others[0]), message)
    if not isinstance(instances, list):
        raise Rejection(
            "wrong_type", "/instances", f"{shown(instances)} is not an array; send an array"
        )
    if not instances:
        raise Rejection("too_short", "/instances", f"send 1 to {MAX_INSTANCES} instances")
    if len(instances) > MAX_INSTANCES:
        message = f"{len(instances)} instances; send at most {MAX_INSTANCES} in a request"
        raise InvalidRequest(413, message)


def _check(model: Model, instance: Any, where: tuple[str | int, ...]) -> None:
    if not isinstance(instance, dict):
        message = f"{shown(instance)} is not a JSON object; send an object"
        raise Rejection("wrong_type", pointer(*where), message)
    known = {p.name: p for p in model.parameters}
    for name in instance:
        if name not in known:
            message = f"{name[:60]!r} is not a field; fields: {', '.join(known)}"
            raise Rejection("unknown_field", pointer(*where, name), message)
    for name, parameter in known.items():
        _check_value(parameter, instance.get(name), pointer(*where, name))


def _check_value(parameter: RequestField, value: Any, where: str) -> None:
    if value is None:
        if parameter.required:
            message = f"{parameter.name} is missing; a prediction needs it"
            raise Rejection("missing_field", where, message)
        return
    match parameter.type:
        case String(low, high):
            _check_text(value, where, low, high or LONGEST)
        case Integer() if parameter.category and isinstance(value, str):
            _check_text(value, where, 1, LONGEST)
        case Integer(low, high, is_amount):
            if not isinstance(value, int) or isinstance(value, bool):
                raise _wrong(value, where, "an integer")
            _check_range(value, where, low, high, is_amount=is_amount)
        case Double(floor, ceiling):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _wrong(value, where, "a number")
            _check_range(value, where, floor, ceiling)
        case other:
            raise TypeError(f"{parameter.name}: requests have no {other}")


def _check_text(value: Any, where: str, low: int, high: int) -> None:
    if not isinstance(value, str):
        raise _wrong(value, where, "text")
    if len(value) < low:
        raise Rejection("too_short", where, f"{shown(value)}: send {low} or more characters")
    if len(value) > high:
        raise Rejection("too_long", where, f"{shown(value)}: send {high} or fewer characters")


def _check_range(
    value: float, where: str, low: float | None, high: float | None, *, is_amount: bool = False
) -> None:
    if not math.isfinite(value):
        raise _wrong(value, where, "a finite number")
    if low is not None and value < low:
        raise Rejection("out_of_range", where, f"{shown(value)} is too small; send {low} or more")
    if high is not None and value > high:
        raise too_large(where, value, high, is_amount=is_amount)


def _wrong(value: Any, where: str, expected: str) -> Rejection:
    return Rejection("wrong_type", where, f"{shown(value)} is not {expected}; send {expected}")
