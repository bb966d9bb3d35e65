"""Definitions: documents that people change while a job runs, each valid from an instant.

A use case that declares them gets a table, an API and a key for them. What its kinds are, and what
an expression may use, is declared here; how expressions are checked is the API's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

from glue.errors import CatalogError, SchemaError
from glue.parameters import Duration, Parameter, format_duration, parse_duration
from glue.schema import Kind, Schema, columns_of, schema_of
from glue.types import Boolean, Column, ColumnType, Double, Integer, String

# Last part of the table's name, and of the path of the API.
DEFINITIONS = "definitions"
DECISIONS = "decisions"  # the stream of what was decided by them
_DECISION = ("business_event_id", "kind", "occurred_at", "profile_id")
MAX_EXPRESSION = 4_096  # characters
MAX_TEXT = 2_048
LIVE, SHADOW = "live", "shadow"
MODES = (LIVE, SHADOW)
FEATURES = "features"  # what expressions call them: features.NAME
# What a feature may be, by the name of its type in expressions.
FEATURE_TYPES: Mapping[str, ColumnType] = {
    "bool": Boolean(),
    "double": Double(),
    "int": Integer(),
    "string": String(),
}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

PARAMETERS = (
    Parameter(
        "DefinitionsLead",
        Duration("PT1S", "P1D"),
        "PT15S",
        "How long after it is written a definition is valid, if its `valid_from` is not given; and "
        "how long after its promotion a model scores in the stream.",
    ),
)


class Role(StrEnum):
    """What a field of a document means beyond its type."""

    EXPRESSION = "expression"  # CEL over event, profile and features, with a result of bool
    VALUE = "value"  # CEL over event and profile, with a result of one of FEATURE_TYPES
    RESULT = "result"  # the type of that result; if it is not given, it is that of the expression
    EVENT_KIND = "event_kind"  # one of the declared kinds of business events
    FILLED = "filled"  # text with placeholders: {{ CEL }}
    TEMPLATE = "template"  # the name of a definition of kind template
    DURATION = "duration"  # an ISO 8601 duration of the kind's `durations`
    DISTINCT = "distinct"  # a name that no other field with this role has


@dataclass(frozen=True)
class DefinitionKind:
    """A kind of definition: its document's fields, and the roles that some of them have.

    `defaults` are the values of fields that are not given, `durations` the bounds of those that are
    durations. Without `shadow` a definition is always live.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    roles: Mapping[str, Role] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    durations: Mapping[str, Duration] = field(default_factory=dict)
    shadow: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SchemaError(
                f"kind {self.name!r}: a name has 1 to 64 lower case letters, digits and "
                "underscores, a letter first"
            )
        if unknown := sorted(set(self.roles) - set(self.names)):
            raise SchemaError(f"{self.name}: roles of {unknown}; fields: {self.names}")
        if unbound := sorted(set(self.with_role(Role.DURATION)) ^ set(self.durations)):
            raise SchemaError(f"{self.name}: give {unbound} the role of a duration and its bounds")
        values, results = self.with_role(Role.VALUE), self.with_role(Role.RESULT)
        if len(values) > 1 or len(values) != len(results):
            raise SchemaError(
                f"{self.name}: a value needs one field for its type; values: {values}, types: "
                f"{results}"
            )
        if reserved := sorted({"valid_from", "mode"} & set(self.names)):
            raise SchemaError(f"{self.name}: every definition has {reserved} already")

    @property
    def names(self) -> list[str]:
        """The fields' names, in declared order."""
        return [column.name for column in self.columns]

    def with_role(self, role: Role) -> list[str]:
        """The fields that have a role."""
        return [name for name in self.names if self.roles.get(name) is role]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that a definition may have."""
        return MODES if self.shadow else (LIVE,)

    @property
    def is_tested(self) -> bool:
        """Whether sample events show what one does: it has expressions or placeholders."""
        return any(self.with_role(r) for r in (Role.EXPRESSION, Role.VALUE, Role.FILLED))

    @property
    def is_feature(self) -> bool:
        """Whether expressions of other kinds use it by its name."""
        return bool(self.with_role(Role.VALUE))

    def duration(self, name: str, text: str) -> str:
        """The shortest form of a field's duration; ValueError if it is none that is allowed."""
        bounds, value = self.durations[name], parse_duration(text)
        if not parse_duration(bounds.low) <= value <= parse_duration(bounds.high):
            raise ValueError(f"{text!r} is not from {bounds.low} to {bounds.high}")
        return format_duration(value)


def definition_kind(
    name: str,
    cls: type,
    *,
    durations: Mapping[str, Duration] | None = None,
    shadow: bool = True,
    **roles: Role,
) -> DefinitionKind:
    """A kind from a class: its docstring and annotated fields; `roles` by field."""
    columns = columns_of(cls)
    defaults = {c.name: getattr(cls, c.name, None) for c in columns if not c.required}
    doc = (cls.__doc__ or "").strip()
    return DefinitionKind(name, doc, columns, roles, defaults, durations or {}, shadow)


_EventKind = Annotated[str, "The kind of business event."]


class _Rule:
    """Whether a business event passes. One rule of its kind that is true lets it pass."""

    kind_of_event: _EventKind
    expression: Annotated[
        str, MinLen(1), MaxLen(MAX_EXPRESSION), "CEL, true or false: event, profile and features."
    ]
    action: Annotated[str | None, "The template of its action; without one there is none."] = None
    priority: Annotated[int | None, Ge(-1_000), Le(1_000), "Of equals the greatest wins."] = 0


class _Template:
    """What an action contains. Placeholders are CEL: `{{ event.subject }}`."""

    kind_of_event: _EventKind
    channel: Annotated[str, MinLen(1), MaxLen(64), "How it is sent."]
    title: Annotated[str, MaxLen(MAX_TEXT), "With placeholders."]
    message: Annotated[str, MaxLen(MAX_TEXT), "With placeholders."]


class _Threshold:
    """The least score of an action for a kind of business event."""

    kind_of_event: _EventKind
    value: Annotated[float, Ge(0), Le(1), "A score of this or more is enough."]


class _Feature:
    """A value that rules and templates use by its name: `features.NAME`."""

    kind_of_event: _EventKind
    expression: Annotated[
        str, MinLen(1), MaxLen(MAX_EXPRESSION), "CEL over event and profile: its value."
    ]
    type: Annotated[
        str | None, "double, int, string or bool; if it is not given, that of the expression."
    ] = None


class _Join:
    """Two series of each key, paired in time: each sample with those before and after it."""

    r: Annotated[str, MinLen(1), MaxLen(128), "The first series, by its name."]
    s: Annotated[str, MinLen(1), MaxLen(128), "The second one, another."]
    distance: Annotated[str, "How far apart a pair may be: an ISO 8601 duration, PT0S to P1D."]


RULE = definition_kind(
    "rule",
    _Rule,
    kind_of_event=Role.EVENT_KIND,
    expression=Role.EXPRESSION,
    action=Role.TEMPLATE,
)
TEMPLATE = definition_kind(
    "template",
    _Template,
    kind_of_event=Role.EVENT_KIND,
    title=Role.FILLED,
    message=Role.FILLED,
)
THRESHOLD = definition_kind("threshold", _Threshold, kind_of_event=Role.EVENT_KIND)
# A feature acts through the rules that name it: a shadow rule tries another feature.
FEATURE = definition_kind(
    "feature",
    _Feature,
    shadow=False,
    kind_of_event=Role.EVENT_KIND,
    expression=Role.VALUE,
    type=Role.RESULT,
)
# Its pairs are records of their own name, so there is no shadow: another name does the same.
JOIN = definition_kind(
    "join",
    _Join,
    durations={"distance": Duration("PT0S", "P1D")},
    shadow=False,
    r=Role.DISTINCT,
    s=Role.DISTINCT,
    distance=Role.DURATION,
)


@dataclass(frozen=True)
class Definitions:
    """The kinds of a use case, and the fields that their expressions may use.

    `events`: each kind of business event, with the optional fields of `event` that it has; every
    kind has the required ones. `profile` is absent where nothing is declared. Where no kind is
    about business events there is no `event`. Features are definitions themselves.
    """

    kinds: tuple[DefinitionKind, ...]
    event: Schema | None = None
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profile: Schema | None = None

    def __post_init__(self) -> None:
        names = [kind.name for kind in self.kinds]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise SchemaError(f"kinds {repeated} are declared twice")
        if not self.kinds:
            raise SchemaError("definitions: declare at least one kind")
        about = [kind.name for kind in self.kinds if kind.with_role(Role.EVENT_KIND)]
        if about and not (self.event and self.events):
            raise SchemaError(
                f"definitions: {about} need the class of an event and a kind of event"
            )
        optional = {c.name for c in self._event if not c.required}
        for kind, fields in self.events.items():
            if not _NAME.fullmatch(kind) or set(fields) - optional:
                raise SchemaError(
                    f"kind of event {kind!r} with fields {sorted(fields)}: give it a name in lower "
                    f"case and some of {sorted(optional)}"
                )

    @property
    def _event(self) -> tuple[Column, ...]:
        return self.event.columns if self.event else ()

    @property
    def decided_again_from(self) -> tuple[str, ...]:
        """The streams whose records tell how a business event was decided.

        Its own; where there are profiles that of the decisions, which name the profile in force,
        and that of the profiles.
        """
        if self.event is None:
            return ()
        profiles = (DECISIONS, self.profile.stream) if self.profile else ()
        return (self.event.stream, *profiles)

    def check(self, use_case: str, schemas: Sequence[Schema]) -> None:
        """Raises CatalogError where no record tells by which profile an event was decided."""
        if self.event is None or self.profile is None:
            return
        if self.profile not in schemas or self.profile.kind is not Kind.EVENT:
            raise CatalogError(
                f"{use_case}: profile {self.profile.name!r} is not one of its events"
            )
        names = {name for s in schemas if s.stream == DECISIONS for name in s.names}
        if missing := [name for name in _DECISION if name not in names]:
            raise CatalogError(
                f"{use_case}: definitions with a profile need a record on stream {DECISIONS!r} "
                f"with {', '.join(_DECISION)}; it has no {', '.join(missing)}"
            )

    def kind(self, name: str) -> DefinitionKind | None:
        """The kind of that name."""
        return next((kind for kind in self.kinds if kind.name == name), None)

    @property
    def feature(self) -> DefinitionKind | None:
        """The kind whose definitions expressions use by name."""
        return next((kind for kind in self.kinds if kind.is_feature), None)

    def variables(
        self, kind_of_event: str, features: tuple[Column, ...] | None = None
    ) -> dict[str, tuple[Column, ...]]:
        """What an expression about a kind of business event may use: each variable's fields.

        `features`: those that there are; None where an expression may not use any.
        """
        own = self.events[kind_of_event]
        event = tuple(c for c in self._event if c.required or c.name in own)
        profile = self.profile.columns if self.profile else ()
        declared = {"event": event, "profile": profile}
        found = {name: columns for name, columns in declared.items() if columns}
        return found if features is None else {**found, FEATURES: features}


def definitions(
    *kinds: DefinitionKind,
    event: type | None = None,
    events: Mapping[str, tuple[str, ...]] | None = None,
    profile: type | None = None,
) -> Definitions:
    """Declare what people may change: from the classes of business event and profile."""
    return Definitions(
        kinds,
        schema_of(event) if event else None,
        events or {},
        schema_of(profile) if profile else None,
    )
