"""How far apart records may be that one result is made of: by parameters, and by definitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from glue import UseCase, instants
from glue.parameters import Parameters, parse_duration
from lambdas.ports.definitions import DefinitionsStore, Version

PAGE = 100
_LAST = 10**12  # above every version


def reach(
    use_case: UseCase,
    parameters: Parameters,
    store: DefinitionsStore,
    table: str | None,
    until: datetime,
) -> timedelta:
    """The longest duration of the parameters and of all definitions that are valid before `until`.

    `table`: that of the definitions, if the use case has some. Nothing is added before an instant
    that has been decided, so for a final range the answer never changes.
    """
    longest = parameters.reach
    if use_case.definitions is None or table is None:
        return longest
    for kind in use_case.definitions.kinds:
        for version in _versions(store, table, kind.name) if kind.durations else ():
            if version.valid_from < instants.to_millis(until) and not version.ended:
                lasting = (parse_duration(str(version.body[name])) for name in kind.durations)
                longest = max(longest, *lasting)
    return longest


def _versions(store: DefinitionsStore, table: str, kind: str) -> Iterator[Version]:
    after = ""
    while heads := store.heads(table, kind, after, PAGE):
        for head in heads:
            before = _LAST
            while page := store.history(table, kind, head.name, before, PAGE):
                yield from page
                before = page[-1].version
        after = f"{kind}#{heads[-1].name}"
