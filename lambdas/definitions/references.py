"""What definitions name in each other: a rule names the template of its action.

The checks run between the read of the frontier and the write, whose condition is that nothing was
written in between. So of a rule and the end of its template, written at once, the second is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from glue.definitions import LIVE, DefinitionKind, Definitions, Role
from lambdas.definitions import versions
from lambdas.definitions.problems import InUse
from lambdas.http.rejections import Rejection
from lambdas.ports.definitions import DefinitionsStore, Version

TEMPLATE = "template"
_NEVER = 2**63


@dataclass(frozen=True)
class References:
    """The references between the definitions of one use case."""

    declared: Definitions
    store: DefinitionsStore
    table: str

    def check(self, version: Version) -> None:
        """Raises Rejection for a reference to nothing, InUse for what others still need."""
        kind = self.declared.kind(version.kind)
        if kind is not None and not version.ended:
            self._check_named(kind, version)
        if version.kind == TEMPLATE:
            self._check_users(version)

    def _check_named(self, kind: DefinitionKind, version: Version) -> None:
        for field in kind.with_role(Role.TEMPLATE):
            name = version.body[field]
            if name is None:
                continue
            head = self.store.head(self.table, TEMPLATE, name)
            if head is None or head.ended:
                message = f"there is no template {name[:64]!r}; put it first"
                raise Rejection("unknown_template", f"/{field}", message)
            own, other = (v.body.get("kind_of_event") for v in (version, head))
            if own != other:
                message = f"template {name!r} is for business events {other!r}, not {own!r}"
                raise Rejection("unknown_template", f"/{field}", message)

    def _check_users(self, template: Version) -> None:
        """A template that ends, or is for other events from now on, has no live rules then."""
        kept = None if template.ended else template.body.get("kind_of_event")
        users = sorted(
            f"{kind.name} {name!r}"
            for kind in self.declared.kinds
            for field in kind.with_role(Role.TEMPLATE)
            for name in self._names(kind.name)
            if self._uses(kind.name, name, field, template, kept)
        )
        if users:
            raise InUse(template.name, users, ended=template.ended)

    def _names(self, kind: str) -> Iterator[str]:
        after = ""
        while page := self.store.heads(self.table, kind, after, versions.PAGE):
            yield from (head.name for head in page)
            after = f"{kind}#{page[-1].name}"

    def _uses(
        self, kind: str, name: str, field: str, template: Version, kept: object | None
    ) -> bool:
        """Whether a live version of it that is in force then, or later, names the template."""
        history = versions.all_versions(self.store, self.table, kind, name)
        return any(
            version.body.get(field) == template.name
            and version.mode == LIVE
            and version.body.get("kind_of_event") != kept
            for version in _in_force_from(history, template.valid_from)
        )


def _in_force_from(history: Sequence[Version], at: int) -> Iterator[Version]:
    """Every version that decides at an instant or after it."""
    ordered = sorted(history, key=lambda v: (v.valid_from, v.version))
    ends = [*(later.valid_from for _, later in pairwise(ordered)), _NEVER]
    for version, end in zip(ordered, ends, strict=True):
        if end > max(at, version.valid_from) and not version.ended:
            yield version
