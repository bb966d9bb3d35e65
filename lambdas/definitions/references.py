"""What definitions name in each other: a rule its action's template, rules and templates features.

The checks run between the read of the frontier and the write, whose condition is that nothing was
written in between. So of a rule and the end of its template, written at once, the second is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from glue.definitions import LIVE, DefinitionKind, Definitions, Role
from glue.instants import from_millis, to_wire
from lambdas.definitions import versions
from lambdas.definitions.features import named
from lambdas.definitions.problems import InUse
from lambdas.http.rejections import Rejection
from lambdas.ports.definitions import DefinitionsStore, Version

TEMPLATE = "template"


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
            self._check_template(kind, version)
            self._check_features(kind, version)
        if version.kind == TEMPLATE or (kind is not None and kind.is_feature):
            self._check_users(version)

    def _check_template(self, kind: DefinitionKind, version: Version) -> None:
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

    def _check_features(self, kind: DefinitionKind, version: Version) -> None:
        """Each feature that it names is, from then on, what it was checked with."""
        feature = self.declared.feature
        if feature is None:
            return
        where = next((f"/{field}" for field in kind.with_role(Role.EXPRESSION)), "")
        for name, type_ in named(version).items():
            history = versions.all_versions(self.store, self.table, feature.name, name)
            decides = list(versions.in_force_from(history, version.valid_from))
            if not decides:
                message = f"there is no feature {name!r} from then on; put it first"
                raise Rejection("unknown_feature", where, message)
            for other in decides:
                if _differs(version, type_, other):
                    message = (
                        f"version {other.version} of feature {name!r}, valid from "
                        f"{to_wire(from_millis(other.valid_from))}, is {other.body['type']} and "
                        f"for business events {other.body['kind_of_event']!r}; the expression has "
                        f"{type_ or 'a feature'} for {version.body['kind_of_event']!r}. Use "
                        "another feature, or a valid_from at which it has changed"
                    )
                    raise Rejection("unknown_feature", where, message)

    def _check_users(self, version: Version) -> None:
        """What ends, or becomes another from now on, has no users then or later."""
        users = sorted(
            f"{kind.name} {head.name!r}"
            for kind in self.declared.kinds
            if _may_name(kind, version)
            for head in versions.heads(self.store, self.table, kind.name)
            if self._is_needed(kind, head, version)
        )
        if users:
            raise InUse(f"{version.kind} {version.name!r}", _change(version), users)

    def _is_needed(self, kind: DefinitionKind, head: Version, version: Version) -> bool:
        history = versions.all_versions(self.store, self.table, head.kind, head.name)
        needs = _needs_template if version.kind == TEMPLATE else _needs_feature
        return any(
            needs(kind, user, version)
            for user in versions.in_force_from(history, version.valid_from)
        )


def _change(version: Version) -> str:
    if version.ended:
        return "end"
    other = "for other business events"
    return f"become one {other}" if version.kind == TEMPLATE else f"change its type, or be {other}"


def _may_name(kind: DefinitionKind, version: Version) -> bool:
    if version.kind == TEMPLATE:
        return bool(kind.with_role(Role.TEMPLATE))
    return kind.is_tested and not kind.is_feature


def _needs_template(kind: DefinitionKind, user: Version, template: Version) -> bool:
    """A live version names it, and is for other events, or needs one that has ended."""
    return (
        any(user.body[field] == template.name for field in kind.with_role(Role.TEMPLATE))
        and user.mode == LIVE
        and (template.ended or user.body["kind_of_event"] != template.body["kind_of_event"])
    )


def _needs_feature(kind: DefinitionKind, user: Version, feature: Version) -> bool:
    """An expression names it with another type or for other events, or needs one that has ended."""
    uses = named(user)
    return feature.name in uses and (feature.ended or _differs(user, uses[feature.name], feature))


def _differs(user: Version, type_: str, feature: Version) -> bool:
    """`type_`: the one that the expression was checked with; empty if it is of no importance."""
    own, other = (v.body["kind_of_event"] for v in (user, feature))
    return own != other or (type_ != "" and type_ != feature.body["type"])
