"""Holds requests to AWS to the services' own models, which botocore ships and checks only in part.

botocore checks that required members are there and their types; it does not check patterns, the
lengths of long strings, enumerations, ranges of numbers or sizes of lists and maps. LIMITS has
those that the models lack too. `install`
makes every botocore client of this process refuse a request that breaks one of these, with a
`RefusedRequest`; the SageMaker stand-in answers it as the service does.

It imports botocore and `regex` alone: the emulator's functions load it by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import regex
from botocore import handlers
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

# The patterns are Java's. Two of its forms are written differently in `regex`.
_JAVA = {
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",  # beyond 16 bits: pairs of surrogates
    r"\p{all}": r"\s\S",
}
_CODE_POINT = regex.compile(r"\\x\{([0-9A-Fa-f]+)\}")

# Patterns of the models that cannot be checked, each with the reason.
UNREADABLE = {
    r"^(\p{LD}|\p{Punct}| )+$": "Directory Service: Java's \\p{LD}; the platform does not use it",
    r"^arn:\S+:rbin:[a-z\-0-9]{0,63}:[0-9]{12}:rule/[0-9a-zA-Z]{11}{0,1011}$": (
        "Recycle Bin: repeats a repetition; the platform does not use it"
    ),
}


class RefusedRequest(Exception):
    """The service would refuse this request; names operation, member, value and rule.

    Neither a ValueError nor an error of botocore: code that survives those must not survive this.
    """


class UnreadablePattern(Exception):
    """A pattern that cannot be checked and is not in UNREADABLE."""


@dataclass(frozen=True)
class Violation:
    """A member (its path) whose value breaks a rule; the rule in the services' own words."""

    path: str
    value: object
    rule: str

    def __str__(self) -> str:
        shown = "null" if self.value is None else f"'{str(self.value)[:200]}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.rule}"


def install() -> None:
    """Check each request of every client whose session is made after this call."""
    if ("before-parameter-build", check) not in handlers.BUILTIN_HANDLERS:
        handlers.BUILTIN_HANDLERS.append(("before-parameter-build", check))


def check(params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
    """An event handler of botocore: RefusedRequest where the service would refuse the request.

    What botocore refuses by itself, on AWS too, is left to it.
    """
    shape = model.input_shape
    if shape and ParamValidator().validate(params, shape).has_errors():
        return
    problems = violations(model, params)
    if problems:
        service = model.service_model.service_name
        raise RefusedRequest(f"{service} {model.name}: {summary(problems)}")


def summary(problems: list[Violation]) -> str:
    """All violations in one sentence, as services word it."""
    noun = "error" if len(problems) == 1 else "errors"
    return f"{len(problems)} validation {noun} detected: {'; '.join(map(str, problems))}"


def violations(model: OperationModel, params: Mapping[str, Any]) -> list[Violation]:
    """All that the service would refuse of a request; UnreadablePattern where that is unknown."""
    shape = model.input_shape
    modelled = [] if shape is None else list(_structure(shape, params, ""))
    return modelled or list(_beyond_limits(model, params))


class Limit(NamedTuple):
    """A limit that a model lacks: the member, how much of it a request has, and the most of it."""

    path: str
    size: Callable[[Mapping[str, Any]], int]
    maximum: int
    unit: str


_KB256 = 262_144


def _batch(entries: str, text: str, max_bytes: int) -> tuple[Limit, ...]:
    """A batch of SNS or SQS: ten entries, all their texts and attributes together."""

    def size(request: Mapping[str, Any]) -> int:
        return sum(len(e[text].encode()) + _attribute_bytes(e) for e in request[entries])

    path = entries[:1].lower() + entries[1:]
    return (
        Limit(path, lambda request: len(request[entries]), 10, "members"),
        Limit(path, size, max_bytes, "bytes together"),
    )


def _attribute_bytes(entry: Mapping[str, Any]) -> int:
    return sum(
        len(name) + len(value["DataType"]) + len(value.get("StringValue", "").encode())
        for name, value in entry.get("MessageAttributes", {}).items()
    )


def _event_bytes(entry: Mapping[str, Any]) -> int:
    texts = sum(len(entry.get(name, "").encode()) for name in ("Source", "DetailType", "Detail"))
    return texts + sum(map(len, entry.get("Resources", ()))) + (14 if "Time" in entry else 0)


# Where a service counts what its model does not. Sources: the API reference of each operation,
# "Service quotas" of Athena.
LIMITS: Mapping[tuple[str, str], tuple[Limit, ...]] = {
    ("athena", "StartQueryExecution"): (
        Limit("queryString", lambda request: len(request["QueryString"].encode()), _KB256, "bytes"),
    ),
    ("cloudwatch", "PutMetricData"): (
        Limit("metricData", lambda request: len(request.get("MetricData", ())), 1_000, "members"),
    ),
    ("dynamodb", "BatchGetItem"): (
        Limit(
            "requestItems",
            lambda request: sum(len(table["Keys"]) for table in request["RequestItems"].values()),
            100,
            "keys of all tables together",
        ),
    ),
    ("events", "PutEvents"): (
        Limit(
            "entries",
            lambda request: sum(map(_event_bytes, request["Entries"])),
            _KB256,
            "bytes together",
        ),
    ),
    ("s3", "DeleteObjects"): (
        Limit(
            "delete.objects", lambda request: len(request["Delete"]["Objects"]), 1_000, "members"
        ),
    ),
    ("sns", "PublishBatch"): _batch("PublishBatchRequestEntries", "Message", _KB256),
    ("sqs", "SendMessageBatch"): _batch("Entries", "MessageBody", 1_048_576),
    ("stepfunctions", "StartExecution"): (
        Limit("input", lambda request: len(request.get("input", "").encode()), _KB256, "bytes"),
    ),
}


def _beyond_limits(model: OperationModel, params: Mapping[str, Any]) -> Iterator[Violation]:
    """The limits of the operation that a request, otherwise valid, exceeds."""
    for limit in LIMITS.get((model.service_model.service_name, model.name), ()):
        if (size := limit.size(params)) > limit.maximum:
            rule = f"Member must have at most {limit.maximum} {limit.unit}"
            yield Violation(limit.path, f"of {size} {limit.unit}", rule)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[Violation]:
    kind = shape.type_name
    if not isinstance(value, _TYPES.get(kind, object)):
        yield Violation(path, value, f"Member must be of type {kind}")
    elif kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        yield from _list(shape, value, path)
    elif kind == "map":
        yield from _map(shape, value, path)
    else:
        yield from (Violation(path, value, rule) for rule in _broken(shape, value))


_TYPES: dict[str, Any] = {
    "structure": Mapping,
    "map": Mapping,
    "list": (list, tuple),
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
}


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield Violation(_joined(path, name), None, "Member must not be null")
    for name, member in value.items():
        if name in shape.members and member is not None:
            yield from _violations(shape.members[name], member, _joined(path, name))


def _list(shape: Any, value: list[Any], path: str) -> Iterator[Violation]:
    yield from (Violation(path, value, rule) for rule in _sizes(shape, len(value), "length"))
    for number, item in enumerate(value, 1):
        yield from _violations(shape.member, item, f"{path}.{number}.member")


def _map(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    """A map is reported as a whole, with the rules that its keys or values break."""
    yield from (Violation(path, value, rule) for rule in _sizes(shape, len(value), "length"))
    for name, item in value.items():
        if broken := list(_broken(shape.key, name)):
            yield Violation(path, value, f"Map keys must satisfy constraint: [{', '.join(broken)}]")
        if shape.value.type_name in ("structure", "list", "map"):
            yield from _violations(shape.value, item, f"{path}.{name}.member")
        elif broken := list(_broken(shape.value, item)):
            rules = ", ".join(broken)
            yield Violation(path, value, f"Map value must satisfy constraint: [{rules}]")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """The rules that a scalar breaks."""
    if shape.type_name == "string":
        yield from _sizes(shape, len(value), "length")
        pattern = shape.metadata.get("pattern")
        if pattern and (compiled := _compiled(pattern)) and not compiled.fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {pattern}"
        if shape.enum and value not in shape.enum:
            yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    elif shape.type_name == "blob":
        if isinstance(value, (bytes, bytearray, str)):
            yield from _sizes(shape, len(value), "length")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _sizes(shape, value, "value")


def _sizes(shape: Shape, size: float, what: str) -> Iterator[str]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and size < minimum:
        yield f"Member must have {what} greater than or equal to {minimum}"
    if maximum is not None and size > maximum:
        yield f"Member must have {what} less than or equal to {maximum}"


@cache
def _compiled(pattern: str) -> regex.Pattern[str] | None:
    """A pattern of a model; None for those of UNREADABLE."""
    if pattern in UNREADABLE:
        return None
    text = _CODE_POINT.sub(lambda found: f"\\U{int(found[1], 16):08x}", pattern)
    for java, python in _JAVA.items():
        text = text.replace(java, python)
    # Java's \w and \d are ASCII; so would be \p{...} under that flag.
    flags = 0 if r"\p" in pattern else regex.ASCII
    try:
        return regex.compile(text, flags)
    except regex.error as error:
        raise UnreadablePattern(f"{pattern!r}: {error}; see {__name__}.UNREADABLE") from error


def _joined(path: str, name: str) -> str:
    """Members as services name them: in camel case."""
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name
