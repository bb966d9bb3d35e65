"""A request's body to records: one object, an array of them, or one a line.

JSON parsers keep the last of repeated keys silently, and NUL breaks readers downstream; both
are refused. Looking for them costs a full second parse, so it is done only for a body that can
hold one: it has a backslash, or fewer strings came out of it than went in.
"""

from __future__ import annotations

import json
from typing import Any, cast

import orjson

from lambdas.ingest.problems import Problem
from lambdas.ingest.rejections import Rejection, pointer

MAX_RECORDS = 500
JSON, NDJSON = "application/json", "application/x-ndjson"
ACCEPTED = {"Accept-Encoding": "identity"}  # RFC 9110, section 12.5.3
_DEEP = "the body is nested too deeply"


def records(body: bytes, media_type: str) -> list[Any]:
    """The records in order, each parsed or a Rejection; Problem where there is none to speak of."""
    if not body.strip():
        raise Problem(400, "the body is empty; send an object, an array of objects or NDJSON")
    found = _lines(body) if media_type == NDJSON else _document(body)
    if not found:
        raise Problem(400, "the array is empty; send 1 to 500 records")
    if len(found) > MAX_RECORDS:
        raise Problem(413, f"{len(found)} records; send at most {MAX_RECORDS} in a request")
    return found


def _document(body: bytes) -> list[Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}; for one a line use {NDJSON}") from None
    found = value if isinstance(value, list) else [value]
    if not _may_be_flawed(body, value):
        return found
    try:
        again = json.loads(body, object_pairs_hook=_Pairs)
        return _marked(found, again if isinstance(value, list) else [again])
    except (RecursionError, ValueError):
        raise Problem(400, _DEEP) from None


def _lines(body: bytes) -> list[Any]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MAX_RECORDS:  # before work is spent on them
        raise Problem(413, f"{len(lines)} records; send at most {MAX_RECORDS} in a request")
    return [_line(line) for line in lines]


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
    return b"\\" in body or body.count(b'"') != orjson.dumps(value).count(b'"')


class _Pairs(dict[str, Any]):
    """An object that remembers a key it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = ""
        if len(self) != len(pairs):
            names = [name for name, _ in pairs]
            self.repeated = next(n for n in names if names.count(n) > 1)


def _marked(found: list[Any], again: list[Any]) -> list[Any]:
    """The records, those with a flaw replaced by their Rejection."""
    return [_flaw(other, ()) or record for record, other in zip(found, again, strict=True)]


def _flaw(value: object, path: tuple[str | int, ...]) -> Rejection | None:
    if isinstance(value, str):
        if "\0" in value:
            return Rejection("malformed", pointer(*path), "the text holds U+0000; leave it out")
        return None
    if isinstance(value, _Pairs):
        if value.repeated:
            message = f"{value.repeated!r} is given twice; send it once"
            return Rejection("duplicate_field", pointer(*path, value.repeated), message)
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return None
    flaws = (_flaw(name, path) or _flaw(v, (*path, name)) for name, v in inner)
    return next((flaw for flaw in flaws if flaw), None)


def check_encoding(content_encoding: str | None) -> None:
    """Problem 415 for a body that is compressed, or otherwise not as it is."""
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise Problem(
            415,
            f"content encoding {content_encoding!r} is not supported; send the body as it is",
            ACCEPTED,
        )


def media_type(content_type: str | None) -> str:
    """JSON or NDJSON; Problem 415 for anything else, naming the choices."""
    name, _, options = (content_type or "").partition(";")
    charset = options.lower().replace(" ", "").replace('"', "")
    if "charset=" in charset and "charset=utf-8" not in charset:
        raise Problem(415, f"{content_type!r}: send UTF-8")
    match name.strip().lower():
        case "application/json":
            return JSON
        case "application/x-ndjson" | "application/ndjson" | "application/jsonl":
            return NDJSON
        case _:
            given = cast(str, content_type) or "no content type"
            raise Problem(415, f"{given!r}: send {JSON} or {NDJSON}")
