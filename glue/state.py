"""The operators of a job that have state, and what of it a new version of the job can restore.

Flink restores a state into the operator of the same id; a state without its operator ends the start
of the job. So a deployment compares the operators of the running version with those of the new one
before anything is stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

GROUP = "sdp-state"  # the property group that carries the operators; no use case has this name
MAX_LENGTH = 2048  # characters of a property's value
_DIGITS = 12  # of an id: no two of a job's ids begin alike

CHECKPOINT_INTERVAL = timedelta(seconds=30)
"""Between two checkpoints on AWS: as much of the streams is read again after a crash.

While one begins, an operator writes what has changed, and rows wait; with 10 s it was more than one
row in twenty on two busy cores.
"""


@dataclass(frozen=True)
class Operator:
    """An operator with state.

    `former` is the id that earlier versions of the platform gave it. `layout` says what of its
    state must stay: of `key: a, b` more names may follow, to `key: {a, b}` names may be added
    anywhere, and nothing else may change. `label` is for people.
    """

    id: str
    former: str
    layout: str
    label: str

    def __str__(self) -> str:
        return "|".join((self.id[:_DIGITS], self.former[:_DIGITS], self.layout, self.label))

    @classmethod
    def parse(cls, text: str) -> Operator:
        """The operator that was written as text."""
        id_, former, layout, label = text.split("|")
        return cls(id_, former, layout, label)


@dataclass(frozen=True)
class Loss:
    """A state that the new version has no place for; `layout` is the new one, if it has changed."""

    use_case: str
    before: Operator
    layout: str | None = None

    @property
    def needs_name(self) -> bool:
        """Whether the operator can drop the state only under another name.

        Patterns that are gone are skipped in the state, and so can be dropped from it.
        """
        return self.layout is not None and not _is_set_of(self.before.layout, self.layout)

    def __str__(self) -> str:
        if self.layout is None:
            return f"{self.use_case}: {self.before.label} is no longer there, or has changed"
        rule = (
            "patterns can be added, but none can be removed, renamed or of another kind"
            if self.before.layout.endswith("}")
            else "only stages after the others can be added"
        )
        return (
            f"{self.use_case}: {self.before.label} has changed from {self.before.layout!r} to "
            f"{self.layout!r}; {rule}"
        )


Operators = Mapping[str, Sequence[Operator]]


def read(path: Path) -> dict[str, list[Operator]]:
    """The operators by use case, as the build has written them."""
    built = json.loads(path.read_text())
    return {name: [Operator(**o) for o in own["operators"]] for name, own in built.items()}


def to_properties(operators: Operators) -> dict[str, str]:
    """The operators by use case as properties, `<use case>.<n>`, within the limit of a value."""
    return {
        f"{use_case}.{number}": text
        for use_case, own in operators.items()
        for number, text in enumerate(_packed(str(operator) for operator in own))
    }


def _packed(lines: Iterable[str]) -> Iterator[str]:
    text = ""
    for line in lines:
        if text and len(text) + len(line) >= MAX_LENGTH:
            yield text
            text = ""
        text += f";{line}" if text else line
    if text:
        yield text


def from_properties(properties: Mapping[str, str]) -> dict[str, tuple[Operator, ...]]:
    """The operators by use case."""
    found: dict[str, tuple[Operator, ...]] = {}
    for key, text in properties.items():
        use_case = key.rpartition(".")[0]
        found[use_case] = found.get(use_case, ()) + tuple(map(Operator.parse, text.split(";")))
    return found


def losses(before: Operators, after: Operators) -> list[Loss]:
    """The states of `before` that `after` cannot restore; operators that are added need none."""
    return [
        loss
        for use_case, operators in before.items()
        for operator in operators
        for loss in _losses(use_case, operator, after.get(use_case, ()))
    ]


def _losses(use_case: str, before: Operator, after: Sequence[Operator]) -> Iterator[Loss]:
    same = [o for o in after if before.id[:_DIGITS] in (o.id[:_DIGITS], o.former[:_DIGITS])]
    if not same:
        yield Loss(use_case, before)
    elif not _continues(before.layout, same[0].layout):
        yield Loss(use_case, before, same[0].layout)


def _continues(before: str, after: str) -> bool:
    if not before or after == before:  # a version that did not describe it has no layout
        return True
    if _is_set_of(before, after):
        return _names(before) <= _names(after)
    return not before.endswith("}") and after.startswith(f"{before}, ")


def _is_set_of(before: str, after: str) -> bool:
    """Whether both are names in any order, of one key."""
    head, opened, _ = before.partition("{")
    return bool(opened) and after.startswith(head + opened)


def _names(layout: str) -> set[str]:
    return set(layout.partition("{")[2].removesuffix("}").split(", "))
