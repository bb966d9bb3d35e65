"""Actions: what a use case sends to the outside, and what a deployment may choose about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from glue.errors import CatalogError, ParameterError
from glue.parameters import Duration, Form, Parameter, Value, Whole, to_text
from glue.schema import Kind, Schema, schema_of

REQUIRED = ("id", "kind", "subject", "occurred_at")
NONE = "none"
DISPATCH = "dispatch"  # the end of the table's name
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "ActionWebhook",
        Form(
            rf"none|https?://{_HOST}(:\d{{1,5}})?(/[!-~]{{0,1500}})?",
            "a URL (https on AWS) without user and fragment, or none",
        ),
        NONE,
        "Where actions are posted as a Standard Webhook.",
    ),
    Parameter(
        "ActionBus",
        Form(r"none|[A-Za-z0-9/._-]{1,256}", "the name of an event bus, or none"),
        NONE,
        "The EventBridge bus of this account and region that receives actions.",
    ),
    Parameter(
        "ActionTopic",
        Form(r"none|[A-Za-z0-9_-]{1,256}", "the name of a standard topic, or none"),
        NONE,
        "The SNS topic of this account and region that receives actions.",
    ),
    Parameter(
        "ActionCap",
        Whole(0, 100, "actions"),
        "0",
        "How many actions a customer receives within ActionCapPeriod; 0 for any number.",
    ),
    Parameter(
        "ActionCapPeriod",
        Duration("PT1M", "P30D"),
        "P1D",
        "The length of every period in which ActionCap holds.",
    ),
    Parameter(
        "QuietHours",
        Form(
            rf"none|(?!(.{{5}})-\1){_TIME}-{_TIME}", "HH:MM-HH:MM of two different times, or none"
        ),
        NONE,
        "When no customer is disturbed: each attempt waits for the end of these hours.",
    ),
    Parameter(
        "ActionTimeZone",
        Form(r"[A-Za-z0-9_+/-]{1,64}", "an IANA time zone such as Europe/Berlin"),
        "UTC",
        "The time zone of QuietHours where an action has no `time_zone` of its own.",
    ),
    Parameter(
        "ActionMaxAge",
        Duration("PT1M", "P90D"),
        "P30D",
        "The age in event time above which an action is recorded as expired and not sent.",
    ),
    Parameter(
        "ActionRetryFor",
        Duration("PT10M", "P3D"),
        "P1D",
        "How long a destination that fails is tried again before the action is a dead letter; "
        "the time in which an attempt waits under QuietHours or ActionCap is not counted.",
    ),
)


def time_zone(name: str) -> ZoneInfo | None:
    """The IANA time zone of that name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True)
class Actions:
    """The record whose rows are dispatched. It has at least `id`, `kind`, `subject`, `occurred_at`.

    Of the optional columns, `customer_id` names whom limits protect (default: the subject), and
    `time_zone` is the customer's.
    """

    record: type

    @property
    def schema(self) -> Schema:
        """The record's schema."""
        return schema_of(self.record)

    @property
    def stream(self) -> str:
        """The stream of the actions."""
        return self.schema.stream

    def check(self, use_case: str, classes: tuple[type, ...]) -> None:
        """Raises CatalogError for a record that cannot be dispatched."""
        if self.record not in classes or self.schema.kind is not Kind.RECORD:
            raise CatalogError(
                f"{use_case}: actions {self.record.__name__!r} is not one of its records"
            )
        if missing := [name for name in REQUIRED if name not in self.schema.names]:
            raise CatalogError(
                f"{use_case}: actions {self.record.__name__!r} has no {', '.join(missing)}; "
                f"an action has at least {', '.join(REQUIRED)}"
            )


@dataclass(frozen=True)
class Dispatching:
    """The values of PARAMETERS that one use case's actions are sent with."""

    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Mapping[str, object], use_case: str = "") -> Dispatching:
        """From a deployment's values; `use_case.Name` is taken before `Name`.

        Raises ParameterError naming the parameter.
        """
        parsed = {
            p.name: p.parse(values.get(f"{use_case}.{p.name}", values.get(p.name, p.default)))
            for p in PARAMETERS
        }
        zone = str(parsed["ActionTimeZone"])
        if time_zone(zone) is None:
            raise ParameterError(
                f"ActionTimeZone={zone}: unknown time zone; give one of IANA's, as Europe/Berlin"
            )
        return cls(parsed)

    def to_strings(self) -> dict[str, str]:
        """The values as `parse` takes them."""
        return {name: to_text(value) for name, value in self.values.items()}

    def text(self, name: str) -> str | None:
        """A text; None for `none`."""
        value = str(self.values[name])
        return None if value == NONE else value

    def duration(self, name: str) -> timedelta:
        """A duration."""
        return cast(timedelta, self.values[name])

    @property
    def webhook(self) -> str | None:
        """The URL of the webhook."""
        return self.text("ActionWebhook")

    @property
    def bus(self) -> str | None:
        """The name of the event bus."""
        return self.text("ActionBus")

    @property
    def topic(self) -> str | None:
        """The name of the topic."""
        return self.text("ActionTopic")

    @property
    def cap(self) -> int:
        """How many actions a customer receives within the period; 0 for any number."""
        return cast(int, self.values["ActionCap"])
