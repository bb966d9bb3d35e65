"""Prints what of each use case has state, as Flink plans it; a program for Flink's environment.

    python planned.py PROPERTIES RESULT

Its folder is the unpacked application. PROPERTIES is a file with the properties of each use case, a
JSON list; RESULT is written: a list of the operators of each, in the same order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from main import environment, statements  # type: ignore[import-not-found]
from pyflink.java_gateway import get_gateway

from analytics_app.properties import Properties

_SOURCE, _SINK = "SourceTransformation", "SinkTransformation"
_KEYED = ("OneInputTransformation", "TwoInputTransformation", "KeyedMultipleInputTransformation")


def operators(given: Properties) -> list[dict[str, Any]]:
    """Each operator with state: its ids, kind and description, and the tables that it reaches."""
    env = environment(given)
    inserts = statements(env, given)._j_statement_set.getOperations()
    found: dict[int, dict[str, Any]] = {}
    for sink in env._j_tenv.getPlanner().translate(inserts):
        for operator in _before(sink):
            if _has_state(operator):
                described = found.setdefault(operator.getId(), _described(operator))
                described["reached"].append(sink.getName())
    return list(found.values())


def _before(operator: Any) -> Iterator[Any]:
    """The operator and all that is before it, each once."""
    open_, visited = [operator], set()
    while open_:
        following = open_.pop()
        if following.getId() not in visited:
            visited.add(following.getId())
            open_.extend(following.getInputs())
            yield following


def _has_state(operator: Any) -> bool:
    kind = operator.getClass().getSimpleName()
    if kind in _KEYED:
        return operator.getStateKeyType() is not None
    return kind in (_SOURCE, _SINK)


def _described(operator: Any) -> dict[str, Any]:
    return {
        "id": _hash(operator.getUid()),
        "former": operator.getUserProvidedNodeHash() or "",
        "class": operator.getClass().getSimpleName(),
        "name": operator.getName(),
        "description": operator.getDescription() or "",
        "reached": [],
    }


def _hash(uid: str) -> str:
    """How Flink makes an operator's id of the text that names it."""
    jvm = get_gateway().jvm
    hashing = jvm.org.apache.flink.shaded.guava33.com.google.common.hash.Hashing.murmur3_128(0)
    text = hashing.hashString(uid, jvm.java.nio.charset.StandardCharsets.UTF_8)
    return str(text.toString())


if __name__ == "__main__":
    each = json.loads(Path(sys.argv[1]).read_text())
    planned = [operators(Properties.parse(properties)) for properties in each]
    Path(sys.argv[2]).write_text(json.dumps(planned))
