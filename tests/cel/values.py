"""The fields that the corpus' expressions use, and the events that they are evaluated for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from glue.definitions import FEATURE_TYPES
from glue.types import Boolean, Column, Double, Integer, String, Timestamp
from lambdas.definitions.cel import Checked, Checker, EvaluationError
from lambdas.definitions.features import value

AT = datetime(2026, 11, 1, 23, 30, 15, 250_000, tzinfo=UTC)


def _column(name: str, kind: Any) -> Column:
    return Column(name, kind, required=False, doc="A field of the corpus.")


VARIABLES = {
    "event": (
        _column("kind", String()),
        _column("subject", String()),
        _column("occurred_at", Timestamp()),
        _column("balance", Double()),
        _column("count", Integer()),
        _column("deviation", Double()),
    ),
    "profile": (
        _column("customer_id", String()),
        _column("age", Integer()),
        _column("segment", String()),
        _column("email", String()),
        _column("average_monthly_expenditures", Double()),
        _column("is_member", Boolean()),
        _column("since", Timestamp()),
    ),
}
# Features, by name: expressions of event and profile, of each type that one may have.
FEATURES = {
    "debits_7_days": "event.count == 5 ? 12 : -9223372036854775808",
    "mean_amount": "event.count == 5 ? 10.1 : 0.1",
    "share": "event.balance / profile.average_monthly_expenditures",
    "tier": '"tier " + (has(profile.segment) ? profile.segment : "none")',
    "is_adult": "profile.age >= 18 || profile.is_member",
    "hour": 'event.occurred_at.getHours("Europe/Berlin")',
    "no_number": "0.0 / 0.0 * event.balance",
}
# Each expression has one result, or none, for each of these.
SAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    "spender": {
        "event": {
            "kind": "shopping",
            "subject": "card-1",
            "occurred_at": AT,
            "balance": 150.0,
            "count": 5,
            "deviation": 4.25,
        },
        "profile": {
            "customer_id": "c-1",
            "age": 17,
            "segment": "gold",
            "email": "anna.müller@example.org",
            "average_monthly_expenditures": 1200.5,
            "is_member": True,
            "since": datetime(2024, 2, 29, tzinfo=UTC),
        },
    },
    "edge": {
        "event": {
            "kind": "stuck_in_form",
            "subject": "",
            "occurred_at": datetime(2026, 3, 29, 0, 59, 59, 999_000, tzinfo=UTC),
            "balance": -0.01,
            "count": 2**63 - 1,
            "deviation": -1e300,
        },
        "profile": {
            "customer_id": "😀ni",
            "age": 0,
            "segment": "Gold",
            "email": "a+b@x.example",
            "average_monthly_expenditures": 0.0,
            "is_member": False,
            "since": datetime(1970, 1, 1, tzinfo=UTC),
        },
    },
    "bare": {"event": {"kind": "shopping", "subject": "card-2", "occurred_at": AT}},
}


def features() -> dict[str, Checked]:
    """The features, checked as the door does it."""
    plain = Checker(VARIABLES)
    return {name: plain.check(text, FEATURE_TYPES) for name, text in FEATURES.items()}


def checker() -> Checker:
    """The door's checker over the corpus' fields and features."""
    columns = (_column(name, FEATURE_TYPES[of.result]) for name, of in features().items())
    return Checker({**VARIABLES, "features": tuple(columns)})


def sample(name: str) -> dict[str, dict[str, Any]]:
    """A sample with those of its features that have a result."""
    plain, groups, results = Checker(VARIABLES), SAMPLES[name], {}
    for feature, checked in features().items():
        with suppress(EvaluationError):
            results[feature] = value(plain, checked.form, groups)
    return {**groups, "features": results}
