"""One customer's way from events to a message, as `make demo` shows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from glue.instants import to_wire

Row = dict[str, Any]
KIND = "shopping"
NAME = "demo-low-balance"
SEGMENT = "demo"  # only its customers get the message
# By kind and name, in the order in which they are put.
DEFINITIONS: tuple[tuple[str, str, Row], ...] = (
    (
        "template",
        NAME,
        {
            "kind_of_event": KIND,
            "channel": "push",
            "title": "Your card",
            "message": "{{ event.balance }} left. Shall we transfer "
            "{{ event.balance < 245.0 ? 250.0 - event.balance : 5.0 }}?",
        },
    ),
    (
        "rule",
        NAME,
        {
            "kind_of_event": KIND,
            "expression": "event.balance < 200.0 && has(profile.segment) && "
            f'profile.segment == "{SEGMENT}"',
            "action": NAME,
        },
    ),
)
DEBITS = 5
# Beyond WatermarkDelay. Event time passes the customer's events when these visitors have come; the
# number is that of any: each shard of the stream has one of them, almost certainly.
OTHERS, LATER = 24, timedelta(seconds=6)


def events(at: datetime, name: str) -> list[Row]:
    """A customer of this name spends from 200 to 150 at `at`; the last event is the last debit."""
    card, before = f"card-{name}", at - timedelta(milliseconds=1)
    customer = {"customer_id": name, "card_id": card, "segment": SEGMENT}
    debit = {"card_id": card, "acc_num": 1, "amount": 10.0}
    return [
        _event("customer", f"{name}-profile", before, customer),
        _event("balance", f"{name}-opening", before, {"card_id": card, "balance": 200.0}),
        *(
            _event("transaction", f"{name}-{n}", at + timedelta(milliseconds=n), debit)
            for n in range(DEBITS)
        ),
    ]


def others(at: datetime, name: str) -> list[Row]:
    """Visitors who come after the customer's events and have nothing to do with them."""
    ids = [f"{name}-v{n}" for n in range(OTHERS)]
    return [
        _event("page-view", id_, at + LATER, {"session_id": id_, "page": "home"}) for id_ in ids
    ]


def _event(kind: str, event_id: str, at: datetime, fields: Row) -> Row:
    return {"type": kind, "event_id": event_id, "occurred_at": to_wire(at), **fields}
