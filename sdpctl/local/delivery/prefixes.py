"""S3 prefixes with `!{timestamp:…}` and `!{firehose:…}` expressions, and objects' names. Pure.

As Firehose evaluates them: in UTC, at the arrival time of the object's oldest record, with
Java's DateTimeFormatter patterns; `yyyy/MM/dd/HH/` is added where a prefix names no time.
"""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from sdpctl.local.delivery.errors import PrefixError

CONVERSION_FAILED = "format-conversion-failed"
_EXPRESSION = re.compile(r"!\{([A-Za-z]+):([^}]*)\}")
_DEFAULT = "yyyy/MM/dd/HH/"
_PATTERN = re.compile(r"''|'[^']*'|([yMdHmsD])\1*|[^A-Za-z']")
_LENGTHS = {"y": (4, 2), "M": (2, 1), "d": (2, 1), "H": (2, 1), "m": (2, 1), "s": (2, 1), "D": (3,)}


def evaluate(prefix: str, at: datetime, id_: UUID, error_type: str | None = None) -> str:
    """The prefix of an object whose oldest record arrived `at`; raises PrefixError."""

    def value(match: re.Match[str]) -> str:
        match match.groups():
            case ("timestamp", pattern):
                return java_time(pattern, at)
            case ("firehose", "random-string"):
                return id_.hex[:11]
            case ("firehose", "error-output-type") if error_type:
                return error_type
        raise PrefixError(f"{match.group()} in the prefix {prefix!r}")

    timed = any(space == "timestamp" for space, _ in _EXPRESSION.findall(prefix))
    return _EXPRESSION.sub(value, prefix) + ("" if timed else java_time(_DEFAULT, at))


def java_time(pattern: str, at: datetime) -> str:
    """`yyyy-MM-dd'T'HH` and the like; raises PrefixError for a letter that is not known."""
    parts = [match.group() for match in _PATTERN.finditer(pattern)]
    if "".join(parts) != pattern:
        raise PrefixError(f"time pattern {pattern!r}")
    return "".join(_time_part(part, at) for part in parts)


def _time_part(part: str, at: datetime) -> str:
    if part == "''":
        return "'"
    if part[0] not in _LENGTHS:
        return part.strip("'")
    if len(part) not in _LENGTHS[part[0]]:
        raise PrefixError(f"time pattern {part!r}")
    code = {"y": "%Y", "M": "%m", "d": "%d", "H": "%H", "m": "%M", "s": "%S", "D": "%j"}[part[0]]
    digits = at.strftime(code)
    return digits[-2:] if part == "yy" else str(int(digits)).zfill(len(part))


def object_name(stream: str, version: str, at: datetime, id_: UUID) -> str:
    """`name-version-time-id`, as Firehose names objects."""
    return f"{stream}-{version}-{java_time('yyyy-MM-dd-HH-mm-ss', at)}-{id_}"
