"""Versions: which one is in force, how one is shown, and how the next one is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from glue.definitions import LIVE
from glue.instants import from_millis, to_wire
from lambdas.definitions.documents import Draft
from lambdas.definitions.preconditions import Precondition
from lambdas.definitions.problems import Contended, TooEarly
from lambdas.http.queries import NotFound
from lambdas.ports.definitions import DefinitionsStore, FrontierPassed, Overtaken, Version

# Attempts at a write while others of the same table are first.
ATTEMPTS = 10
PAGE = 100
_NEVER = 2**63


def in_force(versions: Iterable[Version], at: int) -> Version | None:
    """The version that decides at an instant: of those that began the latest, unless it ends it."""
    begun = [version for version in versions if version.valid_from <= at]
    newest = max(begun, key=lambda v: (v.valid_from, v.version), default=None)
    return None if newest is None or newest.ended else newest


def is_over(head: Version, now: int) -> bool:
    """Whether the definition has ended."""
    return head.ended and head.valid_from <= now


def shown(version: Version) -> dict[str, Any]:
    """A version as it is returned."""
    return {
        "kind": version.kind,
        "name": version.name,
        "version": version.version,
        "valid_from": to_wire(from_millis(version.valid_from)),
        "mode": version.mode,
        "ended": version.ended,
        "written_at": to_wire(from_millis(version.written_at)),
        "definition": dict(version.body),
    }


@dataclass(frozen=True)
class Writer:
    """Writes versions into one table; `now` returns epoch ms, `lead` is in ms.

    `check` raises what is wrong with a version that is about to be written. What it reads cannot
    change before the write: that would be another version, and the write is repeated.
    """

    store: DefinitionsStore
    table: str
    lead: int
    now: Callable[[], int]
    check: Callable[[Version], None] = lambda _: None

    def put(self, kind: str, name: str, draft: Draft, precondition: Precondition) -> Version:
        """The next version. Raises TooEarly, PreconditionFailed or Contended."""
        return self._write(kind, name, draft, precondition, ended=False)

    def end(
        self, kind: str, name: str, valid_from: int | None, precondition: Precondition
    ) -> Version:
        """A version that ends the definition. Raises NotFound too, if there is none."""
        draft = Draft({}, LIVE, valid_from)
        return self._write(kind, name, draft, precondition, ended=True)

    def _write(
        self, kind: str, name: str, draft: Draft, precondition: Precondition, *, ended: bool
    ) -> Version:
        for _ in range(ATTEMPTS):
            version = self._next(kind, name, draft, precondition, ended=ended)
            self.check(version)
            try:
                self.store.write(self.table, version)
            except FrontierPassed as error:
                if draft.valid_from is not None:
                    raise TooEarly(version.valid_from, error.instant) from None
            except Overtaken:
                pass
            else:
                return version
        raise Contended(f"{kind} {name}: {ATTEMPTS} attempts lost to other writers; send it again")

    def _next(
        self, kind: str, name: str, draft: Draft, precondition: Precondition, *, ended: bool
    ) -> Version:
        # First: the write is refused if anything was written since.
        frontier = self.store.frontier(self.table)
        head, now = self.store.head(self.table, kind, name), self.now()
        present = None if head is None or is_over(head, now) else head
        precondition.check(present)
        if ended and (present is None or present.ended):
            raise NotFound(f"there is no {kind} {name!r}, or it has an end already")
        valid_from = draft.valid_from
        if valid_from is None:
            valid_from = max(now, frontier.instant) + self.lead
        elif valid_from <= frontier.instant:
            raise TooEarly(valid_from, frontier.instant)
        return Version(
            kind=kind,
            name=name,
            version=1 + (head.version if head else 0),
            valid_from=valid_from,
            mode=draft.mode,
            ended=ended,
            body=draft.body,
            written_at=now,
            sequence=frontier.sequence + 1,
            checked=draft.checked,
            placeholders=draft.placeholders,
        )


def heads(store: DefinitionsStore, table: str, kind: str) -> Iterator[Version]:
    """The newest version of each definition of a kind, by name."""
    after = ""
    while page := store.heads(table, kind, after, PAGE):
        yield from page
        after = f"{kind}#{page[-1].name}"


def in_force_from(history: Sequence[Version], at: int) -> Iterator[Version]:
    """Every version that decides at an instant or after it."""
    ordered = sorted(history, key=lambda v: (v.valid_from, v.version))
    ends = [*(later.valid_from for _, later in pairwise(ordered)), _NEVER]
    for version, end in zip(ordered, ends, strict=True):
        if end > max(at, version.valid_from) and not version.ended:
            yield version


def all_versions(store: DefinitionsStore, table: str, kind: str, name: str) -> list[Version]:
    """Every version of a definition, the newest first."""
    found: list[Version] = []
    before = 10**12
    while page := store.history(table, kind, name, before, PAGE):
        found += page
        before = page[-1].version
    return found


def as_draft(version: Version) -> Draft:
    """A stored version as a draft, to be tested."""
    return Draft(
        version.body, version.mode, version.valid_from, version.checked, version.placeholders
    )
