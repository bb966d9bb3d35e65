"""Parses a request's body into records: one object, an array, or one per line.

JSON parsers silently keep the last of repeated keys, and NUL breaks readers downstream; both are
refused. Detecting them takes a second full parse, so it is done only for a body that may contain
one: it has a backslash, or the parsed value has fewer strings than the text. Likewise `exact`
parses again, slowly, what a parser of doubles has rounded: 77.0 and 1e3 are integers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, cast

import orjson

from lambdas.http.rejections import Rejection, pointer
from lambdas.http.requests import InvalidRequest

MAX_RECORDS = 500
JSON, NDJSON = "application/json", "application/x-ndjson"
UTF_8 = ("utf-8", "utf8")
ACCEPTED = {"Accept-Encoding": "identity"}  # RFC 9110, section 12.5.3
# Some programs start a file with a byte order mark; RFC 8259 allows readers to ignore it.
_BOM = b"\xef\xbb\xbf"
_DEEP = "the body is nested too deeply"


@dataclass(frozen=True)
class Records:
    """The records of a request in order, each parsed or a Rejection, with their JSON text.

    `texts` is one text for each record, or one for all of them.
    """

    values: list[Any]
    texts: Sequence[bytes]
    is_array: bool = False

    def exact(self, index: int) -> Any:
        """The record with exact numbers: a number with an integer value is an integer."""
        return self._array[index] if self.is_array else exact(self.texts[index])

    @cached_property
    def _array(self) -> list[Any]:
        values: list[Any] = exact(self.texts[0])
        return values


def records(body: bytes, media_type: str) -> Records:
    """The records. Raises InvalidRequest if the body has none."""
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise InvalidRequest(
            400, "the body is empty; send an object, an array of objects or NDJSON"
        )
    parsed = _lines(body) if media_type == NDJSON else _document(body)
    if not parsed.values:
        raise InvalidRequest(400, "the array is empty; send 1 to 500 records")
    if len(parsed.values) > MAX_RECORDS:
        raise InvalidRequest(
            413, f"{len(parsed.values)} records; send at most {MAX_RECORDS} in a request"
        )
    return parsed


def document(body: bytes) -> Any:
    """The JSON value of a body; InvalidRequest if it is not JSON, Rejection for a flaw in it."""
    body = body.removeprefix(_BOM)
    try:
        value = orjson.loads(body)
        if _may_be_flawed(body, value):
            flaw = _flaw(json.loads(body, object_pairs_hook=_Pairs), ())
            if flaw:
                raise flaw
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(400, f"the body is not JSON: {error}") from None
    except (RecursionError, ValueError):
        raise InvalidRequest(400, _DEEP) from None
    return value


def exact(text: bytes) -> Any:
    """The JSON value; each number with an integer value is an integer, however it is written."""
    text = text.removeprefix(_BOM)
    try:
        return json.loads(text, parse_float=_number)
    except RecursionError:  # no record nested this deeply is valid, exact or not
        return orjson.loads(text)


def has_fraction(value: object) -> bool:
    """Whether a number in the value was written with a fraction, an exponent or many digits."""
    pending = [value]
    while pending:
        match pending.pop():
            case float():
                return True
            case dict() as group:
                pending += group.values()
            case list() as several:
                pending += several
    return False


def _number(text: str) -> int | float:
    try:
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else float(text)
    except InvalidOperation:  # an exponent out of range, as in 1e-99999999999999999999
        return float(text)


def _document(body: bytes) -> Records:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(
            400, f"the body is not JSON: {error}; for NDJSON send {NDJSON}"
        ) from None
    is_array = isinstance(value, list)
    values = value if is_array else [value]
    if not _may_be_flawed(body, value):
        return Records(values, [body], is_array)
    try:
        again = json.loads(body, object_pairs_hook=_Pairs)
        return Records(_marked(values, again if is_array else [again]), [body], is_array)
    except (RecursionError, ValueError):
        raise InvalidRequest(400, _DEEP) from None


def _lines(body: bytes) -> Records:
    lines = [line.removeprefix(_BOM) for line in body.split(b"\n")]
    lines = [line for line in lines if line.strip()]
    if len(lines) > MAX_RECORDS:  # before parsing them
        raise InvalidRequest(413, f"{len(lines)} records; send at most {MAX_RECORDS} in a request")
    return Records([_line(line) for line in lines], lines)


def _line(line: bytes) -> Any:
    try:
        value = orjson.loads(line)
        if _may_be_flawed(line, value):
            return _marked([value], [json.loads(line, object_pairs_hook=_Pairs)])[0]
    except orjson.JSONDecodeError as error:
        return Rejection("malformed", "", f"the line is not JSON: {error}")
    except (RecursionError, ValueError):
        return Rejection("malformed", "", "the line is nested too deeply")
    return value


def _may_be_flawed(body: bytes, value: object) -> bool:
    try:
        return b"\\" in body or body.count(b'"') != orjson.dumps(value).count(b'"')
    except orjson.JSONEncodeError:  # orjson serializes 254 levels, and parses 1,024
        return True


class _Pairs(dict[str, Any]):
    """An object that remembers a repeated key."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = ""
        if len(self) != len(pairs):
            names = [name for name, _ in pairs]
            self.repeated = next(n for n in names if names.count(n) > 1)


def _marked(values: list[Any], again: list[Any]) -> list[Any]:
    """The records; those with a flaw are replaced by a Rejection."""
    return [_flaw(other, ()) or record for record, other in zip(values, again, strict=True)]


def _flaw(value: object, path: tuple[str | int, ...]) -> Rejection | None:
    if isinstance(value, str):
        if "\0" in value:
            return Rejection("malformed", pointer(*path), "the text contains U+0000; remove it")
        return None
    if isinstance(value, _Pairs):
        if value.repeated:
            message = f"key {value.repeated!r} is repeated; send it once"
            return Rejection("duplicate_field", pointer(*path, value.repeated), message)
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return None
    flaws = (_flaw(name, path) or _flaw(v, (*path, name)) for name, v in inner)
    return next((flaw for flaw in flaws if flaw), None)


def check_encoding(content_encoding: str | None) -> None:
    """Raises InvalidRequest 415 for a body that is compressed or otherwise encoded."""
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise InvalidRequest(
            415,
            f"content encoding {content_encoding!r} is not supported; send the body unencoded",
            ACCEPTED,
        )


def media_type(content_type: str | None) -> str:
    """JSON or NDJSON. Raises InvalidRequest 415 with the choices for anything else."""
    name, *parameters = (part.strip() for part in (content_type or "").lower().split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip().strip('"') not in UTF_8:
            raise InvalidRequest(415, f"{content_type!r}: send UTF-8")
    match name:
        case "application/json":
            return JSON
        case "application/x-ndjson" | "application/ndjson" | "application/jsonl":
            return NDJSON
        case _:
            sent = cast(str, content_type) or "no content type"
            raise InvalidRequest(415, f"{sent!r}: send {JSON} or {NDJSON}")
