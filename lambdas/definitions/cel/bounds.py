"""What an expression may contain beyond its types: a closed language with bounded cost.

No dynamic types, no functions that the two runtimes do not agree on, no deep nesting, at most so
much iteration as is written, and regular expressions that are known when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from lambdas.definitions.cel import form
from lambdas.definitions.cel.errors import ExpressionError
from lambdas.definitions.cel.overloads import FUNCTIONS, OPERATORS, OVERLOADS

MAX_DEPTH = 32
MAX_ITERATIONS = 1_000
MAX_PATTERN = 256
MAX_REPETITIONS = 1_000
_TYPE = re.compile(
    r"bool|int|double|string|timestamp|duration|sdp\.\w+|list\((?P<of>.*)\)|"
    r"map\((?P<key>\w+), (?P<value>.*)\)"
)
_REPETITION = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class Bounds:
    """Walks the checked form of one expression."""

    def __init__(self, checked: Any) -> None:
        self._root = checked.expr
        self._types = {e.key: form.type_name(e.value) for e in checked.type_map}
        self._overloads = {e.key: list(e.value.overload_id) for e in checked.reference_map}
        self._offsets = {e.key: e.value for e in checked.source_info.positions}

    @property
    def result(self) -> str:
        """The type of the result."""
        return self._types.get(self._root.id, "dyn")

    def check(self) -> None:
        """Raises ExpressionError for the first part that is not allowed."""
        self._node(self._root, 1)
        iterations = self._iterations(self._root)
        if iterations > MAX_ITERATIONS:
            raise self._error(
                self._root,
                f"the expression iterates {iterations} times; at most {MAX_ITERATIONS} are allowed",
            )

    def fields(self, group: str) -> dict[str, str]:
        """The fields of a group that it names, with their types; "" where has() alone does."""
        found: dict[str, str] = {}
        for node in _all(self._root):
            select = node.select_expr
            of = self._types.get(select.operand.id)
            if node.HasField("select_expr") and of == f"sdp.{group}":
                found.setdefault(select.field, "")
                if not select.test_only:
                    found[select.field] = self._types[node.id]
        return found

    def patterns(self) -> Iterator[tuple[str, int]]:
        """Each regular expression, with its offset. Raises ExpressionError for a wrong one."""
        for node in _all(self._root):
            call = node.call_expr
            if node.HasField("call_expr") and call.function == "matches":
                pattern = call.args[-1]
                yield self._pattern(pattern), self._offset(pattern)

    def _pattern(self, node: Any) -> str:
        if not node.const_expr.HasField("string_value"):
            raise self._error(node, "the pattern of matches must be text in quotes")
        pattern = str(node.const_expr.string_value)
        if len(pattern) > MAX_PATTERN:
            raise self._error(
                node, f"the pattern has {len(pattern)} characters; send at most {MAX_PATTERN}"
            )
        counts = [int(high or low) for low, high in _REPETITION.findall(pattern)]
        if prod(max(1, count) for count in counts) > MAX_REPETITIONS:
            raise self._error(
                node, f"the pattern repeats more than {MAX_REPETITIONS} times; use * or +"
            )
        return pattern

    def _node(self, node: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(
                node, f"the expression is nested too deeply; at most {MAX_DEPTH} levels are allowed"
            )
        self._check_type(node)
        self._check_overloads(node)
        if node.HasField("struct_expr") and node.struct_expr.message_name:
            raise self._error(node, f"{node.struct_expr.message_name} cannot be constructed")
        self._check_modulus(node)
        for child in _children(node):
            is_field = node.HasField("select_expr")
            if self._types.get(child.id, "").startswith("sdp.") and not is_field:
                raise self._error(
                    child, f"{_shown(child)} is a group of fields; use one: {_shown(child)}.NAME"
                )
            self._node(child, depth + 1)

    def _check_type(self, node: Any) -> None:
        kind = self._types.get(node.id)
        if kind is not None and not _known(kind):
            raise self._error(
                node,
                f"a part of the expression has the type {kind}; allowed: bool, int, double, "
                "string, timestamp, duration, and lists and maps of one of them",
            )

    def _check_overloads(self, node: Any) -> None:
        for overload in self._overloads.get(node.id, ()):
            if overload not in OVERLOADS:
                raise self._error(
                    node,
                    f"{node.call_expr.function} is not available for these types "
                    f"({overload}); functions: {', '.join(FUNCTIONS)}; operators: {OPERATORS}",
                )

    def _check_modulus(self, node: Any) -> None:
        """The runtimes disagree on the least integer modulo -1."""
        call = node.call_expr
        if call.function == "_%_" and call.args[1].const_expr.int64_value < 1:
            raise self._error(
                node, "the number behind % must be written, and positive, as in x % 7"
            )

    def _iterations(self, node: Any) -> int:
        if not node.HasField("comprehension_expr"):
            return sum(self._iterations(child) for child in _children(node))
        loop = node.comprehension_expr
        each = 1 + self._iterations(loop.loop_step) + self._iterations(loop.loop_condition)
        outside = self._iterations(loop.iter_range) + self._iterations(loop.result)
        return outside + self._size(loop.iter_range) * each

    def _size(self, node: Any) -> int:
        """How many elements a range has at most."""
        if node.HasField("list_expr"):
            return len(node.list_expr.elements)
        if node.HasField("struct_expr"):
            return len(node.struct_expr.entries)
        if node.HasField("comprehension_expr"):  # of map and filter
            return self._size(node.comprehension_expr.iter_range)
        raise self._error(node, "iterate over a list that is written in the expression, as [1, 2]")

    def _offset(self, node: Any) -> int:
        offset: int = self._offsets.get(node.id, 0)
        return offset

    def _error(self, node: Any, message: str) -> ExpressionError:
        return ExpressionError(message, self._offset(node))


def _known(kind: str) -> bool:
    match = _TYPE.fullmatch(kind)
    if match is None:
        return False
    parts: Mapping[str, str | None] = match.groupdict()
    return all(_known(part) for part in parts.values() if part)


def _shown(node: Any) -> str:
    return str(node.ident_expr.name or node.select_expr.field)


def _children(node: Any) -> Iterator[Any]:
    if node.HasField("select_expr"):
        yield node.select_expr.operand
    elif node.HasField("call_expr"):
        if node.call_expr.HasField("target"):
            yield node.call_expr.target
        yield from node.call_expr.args
    elif node.HasField("list_expr"):
        yield from node.list_expr.elements
    elif node.HasField("struct_expr"):
        for entry in node.struct_expr.entries:
            if entry.HasField("map_key"):
                yield entry.map_key
            yield entry.value
    elif node.HasField("comprehension_expr"):
        loop = node.comprehension_expr
        yield from (loop.iter_range, loop.accu_init, loop.loop_condition)
        yield from (loop.loop_step, loop.result)


def _all(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _all(child)
