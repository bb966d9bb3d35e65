"""Made-up shoppers on the running platform: what is sent, and what must come of it.

The events are those of the use case's generator, of as many seeds as wanted, each with card holders
of its own; so are the business events that must be found. What must be decided is worked out here,
from a business event's own time, the versions of a rule and the profile of its card.
"""

from __future__ import annotations

import heapq
import operator
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from datagen import Generation, Settings
from glue.instants import from_millis, parse, to_millis, to_wire
from sdpctl.local.processes import free_port
from tests.flink import shopping
from tests.local.driver import Event
from usecases import load
from usecases.shopping import generator

Row = dict[str, Any]
TIMEOUT, ANSWER, CAP = timedelta(seconds=5), timedelta(seconds=10), 2
PORT = int(os.environ.get("SDP_TEST_WEBHOOK_PORT") or free_port())  # of the receiver of actions
DELAY = timedelta(seconds=10)  # WatermarkDelay: a slow machine may be as much behind, and more
# Of the deployment; short, so that sessions end and rules change within seconds.
PARAMETERS = {
    "shopping.WatermarkDelay": f"PT{DELAY.seconds}S",
    "shopping.FormTimeout": "PT5S",
    "shopping.AnswerWindow": "PT10S",
    "shopping.DefinitionsLead": "PT5S",
    "shopping.ActionCap": str(CAP),
    "shopping.QuietHours": "22:00-07:00",
    "shopping.ActionWebhook": f"http://127.0.0.1:{PORT}/hook",
}
SHUFFLE = timedelta(seconds=3)
LATE_BY = (timedelta(hours=1), timedelta(hours=3))  # less than PatternWindow, and more
BEYOND = timedelta(seconds=20)  # how far event time passes all that was sent
USE_CASE = load(("shopping",)).use_cases[0]

# definitions --------------------------------------------------------------------------------------

OFFER, ALERT, HELP, SPENDING = "chain-offer", "chain-alert", "chain-help", "chain-spending"
LEFT = "{{ event.balance }}"
AMOUNT = "{{ event.balance < 245.0 ? 250.0 - event.balance : 5.0 }}"
TEMPLATES: dict[str, Row] = {
    OFFER: {
        "kind_of_event": "shopping",
        "channel": "push",
        "title": "Your card",
        "message": f"{LEFT} left. Transfer {AMOUNT}?",
    },
    ALERT: {
        "kind_of_event": "spending_anomaly",
        "channel": "mail",
        "title": "Unusual",
        "message": "{{ event.deviation }}",
    },
    HELP: {
        "kind_of_event": "stuck_in_form",
        "channel": "push",
        "title": "Your form",
        "message": "May we help {{ profile.customer_id }}?",
    },
}
# The conditions of the rule for shoppers, in the order in which it changes: all must hold.
Condition = tuple[str, str, float]
FORMS: tuple[tuple[Condition, ...], ...] = (
    (("event.balance", "<", 120.0), ("profile.age", ">=", 20)),
    (("event.balance", "<", 140.0), ("profile.average_monthly_expenditures", "<", 1000.0)),
    (("event.balance", "<", 100.0), ("profile.age", "<", 20)),
)


def expression(form: int) -> str:
    """A form of the rule as CEL."""
    return " && ".join(f"{field} {sign} {limit}" for field, sign, limit in FORMS[form])


SHOPPING: Row = {"kind_of_event": "shopping", "action": OFFER}
RULES: dict[str, Row] = {
    SPENDING: {**SHOPPING, "expression": expression(0)},
    "chain-shadow": {**SHOPPING, "expression": "true", "mode": "shadow"},
    "chain-stuck": {"kind_of_event": "stuck_in_form", "expression": "true", "action": HELP},
    "chain-unusual": {
        "kind_of_event": "spending_anomaly",
        "expression": "event.deviation > 0.0",
        "action": ALERT,
    },
}


@dataclass(frozen=True)
class Version:
    """A version of a definition, and since when it is valid (epoch ms)."""

    number: int
    valid_from: int


@dataclass(frozen=True)
class Put:
    """What was put: by name the versions, in the order of their time."""

    versions: dict[str, list[Version]]

    def of(self, name: str, at: int) -> int:
        """The number of the version in force."""
        return max(v.number for v in self.versions[name] if v.valid_from <= at)

    def form(self, at: int) -> int:
        """How often the rule had changed."""
        return sum(v.valid_from <= at for v in self.versions[SPENDING]) - 1


# events -------------------------------------------------------------------------------------------


@dataclass
class Shoppers:
    """What is sent, with the time (epoch ms) that event time reaches with it, and its truth.

    `found` are the business events that must be found, by id; `letters` the dead letters by reason.
    Half of the customers are asleep, by the time zone of their profile.
    """

    start: datetime
    sent: list[tuple[int, Event]]
    found: dict[str, Row]
    letters: Counter[str]
    zones: tuple[str, str]

    @classmethod
    def make(cls, start: datetime, seeds: int, events: int, seconds: int) -> Shoppers:
        """A number of distinct events of each seed, within a number of seconds from `start` on."""
        made = cls(start, [], {}, Counter(), zones(start))
        streams = []
        for seed in range(seeds):
            rate = events / seconds
            late_by = LATE_BY[seed % len(LATE_BY)]
            settings = Settings(events, start, seed, rate, 0.1, SHUFFLE, late=0.02, late_by=late_by)
            streams.append(made.generated(Generation(USE_CASE, generator, settings)))
        made.sent = list(heapq.merge(*streams, key=lambda pair: pair[0]))
        return made

    def generated(self, generation: Generation) -> list[tuple[int, Event]]:
        """A seed's events as they are sent; its truth is added."""
        with pytest.MonkeyPatch.context() as patch:
            # The truth is that of the default numbers.
            patch.setattr(generator, "TIMEOUT", TIMEOUT // timedelta(milliseconds=1))
            events = [self._living(event) for event in generation]
        truth = generation.truth()
        self.found |= {row["id"]: row for row in truth["records"]["business-events"]}
        self.letters.update(truth["dead_letters"])
        reached, keyed = 0, []
        for event in events:
            reached = max(reached, at(event))
            keyed.append((reached, event))
        return keyed

    def _living(self, event: Event) -> Event:
        """The event; of a customer with a time zone."""
        if event["type"] != "customer":
            return event
        return event | {"time_zone": self.zones[self.sleeps(event["customer_id"])]}

    @staticmethod
    def sleeps(customer: str) -> bool:
        """Whether it is night where the customer lives."""
        return int(customer.rpartition("k")[2]) // 4 % 2 == 1

    def forced(self) -> dict[str, Row]:
        """The business events that force finds in what was sent, by id.

        A late event that is as old as can be known changes the balance of its card.
        """
        distinct: dict[str, Event] = {}
        late = set()
        for reached, event in self.sent:
            if reached - at(event) <= shopping.WINDOW:
                distinct.setdefault(event["event_id"], event)
            if at(event) < to_millis(self.start):
                late.add(event["event_id"])
        timeout = TIMEOUT // timedelta(milliseconds=1)
        return shopping.business_events(list(distinct.values()), timeout, late)

    @property
    def name(self) -> str:
        """What the ids of all events begin with."""
        return f"{to_millis(self.start):x}-"

    @property
    def answers(self) -> dict[str, Event]:
        """The one acceptance of each business event that was taken, by its id."""
        return {e["business_event_id"]: e for _, e in self.sent if e["type"] == "acceptance"}

    @property
    def profiles(self) -> dict[str, Event]:
        """The one profile of each card, and of each customer."""
        customers = [e for _, e in self.sent if e["type"] == "customer"]
        return {e[name]: e for name in ("card_id", "customer_id") for e in customers}

    def at_the_limit(self, instant: int) -> list[Event]:
        """Debits of a card 1 ms before, at and 1 ms after an instant (epoch ms), and their truth.

        Each is a business event, because four others were just before; of these forms of the rule
        only the second is true for it.
        """
        name = f"{self.name}limit-{instant}"
        card = {"card_id": f"{name}-c0"}
        profile = {"customer_id": f"{name}-k0", "age": 30}
        fields: list[tuple[str, Row]] = [
            ("customer", profile | {"average_monthly_expenditures": 500.0}),
            ("balance", {"balance": 130.0}),
            *[("transaction", {"acc_num": 1, "amount": 1.0})] * 7,
        ]
        first = instant + 1 - (len(fields) - 1)
        expected, events = generator.Expected(), []
        for number, (kind, own) in enumerate(fields):
            moment, id_ = first + number, f"{name}-{number}"
            event = {"type": kind, "event_id": id_, "occurred_at": to_wire(from_millis(moment))}
            events.append(self._living(event | card | own))
            self.found |= {row["id"]: row for row in expected.take(moment, events[-1])}
        self.sent += [(first + len(fields), event) for event in events]
        return events

    def closing(self) -> list[Event]:
        """Visitors in each shard by whom event time passes all that was sent, and the clock."""
        last = from_millis(max(reached for reached, _ in self.sent))
        time = to_wire(last + TIMEOUT + DELAY + BEYOND)
        return [
            {"type": "page-view", "event_id": id_, "occurred_at": time, "session_id": id_}
            | {"page": "home"}
            for id_ in (f"{self.name}closing-{number}" for number in range(40))
        ]


def at(event: Row) -> int:
    """Its time in epoch milliseconds."""
    return to_millis(parse(event["occurred_at"]))


def zones(now: datetime) -> tuple[str, str]:
    """Time zones in which it is about noon, and about two in the morning."""
    hour = now.astimezone(UTC).hour
    ahead = [(wanted - hour + 11) % 24 - 11 for wanted in (12, 2)]
    return tuple(f"Etc/GMT{-hours:+d}" for hours in ahead)  # type: ignore[return-value]


# decisions and actions ----------------------------------------------------------------------------


def profile_of(row: Row, profiles: Mapping[str, Event]) -> Event | None:
    """The profile that a business event is decided with: of its card, or its customer."""
    is_session = row["kind"] == "stuck_in_form"
    found = profiles.get(row.get("customer_id", "") if is_session else row["subject"])
    return found if found and at(found) <= at(row) else None


def decision(row: Row, profile: Event | None, put: Put) -> Row:
    """The decision that must follow from a business event that was found: `shopping.written`."""
    moment, rules = at(row), sorted(_results(row, profile, put), key=lambda r: str(r["name"]))
    live = [r["name"] for r in rules if r["mode"] == "live" and r["result"] == "true"]
    acts = [name for name in live if RULES[name].get("action")]
    is_filled = profile is not None or row["kind"] != "stuck_in_form"
    details = [] if profile else ["there is no profile"]
    details += [NO_MODEL] if acts else []
    details += [] if is_filled else [f"the template {HELP} cannot be filled: customer_id"]
    return {
        **{name: row[name] for name in ("id", "kind", "subject", "trace_id")},
        "business_event_id": row["id"],
        "occurred_at": moment,
        "passed": bool(live),
        "rules": [{**rule, "version": put.of(rule["name"], moment)} for rule in rules],
        "customer_id": row.get("customer_id"),
        **(_of(profile) if profile else {}),
        "action_id": f"{row['id']}:{acts[0]}" if acts and is_filled else None,
        "score": 0.5 if acts else None,
        "detail": "; ".join(details) or None,
    }


NO_MODEL = "there is no model: the default score applies"


def _of(profile: Event) -> Row:
    return {"profile_id": profile["event_id"], "customer_id": profile["customer_id"]}


def _results(row: Row, profile: Event | None, put: Put) -> Iterator[Row]:
    match row["kind"]:
        case "shopping":
            assert profile
            yield _rule("chain-shadow", "", "shadow")
            yield _rule(SPENDING, _why_not(FORMS[put.form(at(row))], row, profile))
        case "stuck_in_form":
            yield _rule("chain-stuck", "")
        case "spending_anomaly":
            yield _rule("chain-unusual", _why_not((("event.deviation", ">", 0.0),), row, {}))


def _rule(name: str, why_not: str, mode: str = "live") -> Row:
    result = {"result": "false", "reason": why_not} if why_not else {"result": "true"}
    return {"name": name, "mode": mode, **result}


SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    ">=": operator.ge,
}


def _why_not(conditions: Iterable[Condition], row: Row, profile: Row) -> str:
    """The first condition that does not hold, with its value; empty if all hold."""
    for field, sign, limit in conditions:
        of, _, name = field.partition(".")
        value = {"event": row, "profile": profile}[of][name]
        if not SIGNS[sign](value, limit):
            return f"{field} {sign} {limit} ({field} is {value})"
    return ""


def action(row: Row, decided: Row, profile: Event | None, put: Put) -> Row:
    """The action that follows from a decision with one."""
    assert profile
    rule = decided["action_id"].removeprefix(f"{row['id']}:")
    template = RULES[rule]["action"]
    return {
        "id": decided["action_id"],
        "kind": row["kind"],
        "subject": row["subject"],
        "customer_id": profile["customer_id"],
        "time_zone": profile["time_zone"],
        "channel": TEMPLATES[template]["channel"],
        "title": TEMPLATES[template]["title"],
        "message": _message(row),
        "score": 0.5,
        "rule": rule,
        "rule_version": put.of(rule, at(row)),
        "template_version": put.of(template, at(row)),
        "business_event_id": row["id"],
        "occurred_at": row["occurred_at"],
        "trace_id": row["trace_id"],
    }


def offer(row: Row, made: Row, profile: Event | None, answer: Event | None) -> Row:
    """What must be learned from an action that was made about a business event."""
    assert profile
    is_taken = answer is not None and at(answer) - at(row) <= ANSWER // timedelta(milliseconds=1)
    return {
        "business_event_id": row["id"],
        "kind": row["kind"],
        "action": RULES[made["rule"]]["action"],
        "segment": profile.get("segment"),
        "age": profile["age"],
        "balance": row.get("balance"),
        "average_monthly_expenditures": profile["average_monthly_expenditures"],
        "score": made["score"],
        "offered_at": at(row),
        "accepted": is_taken,
        "accepted_at": at(answer) if answer and is_taken else None,
    }


def _message(row: Row) -> str:
    if row["kind"] == "spending_anomaly":
        return _decimals(row["deviation"])
    if row["kind"] == "stuck_in_form":
        return f"May we help {row['customer_id']}?"
    left = row["balance"]
    return f"{_decimals(left)} left. Transfer {_decimals(250.0 - left if left < 245 else 5.0)}?"


def _decimals(number: float) -> str:
    return str(Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def allowed(actions: Sequence[Row]) -> Counter[str]:
    """How many of the actions each customer may receive."""
    counts = Counter(row["customer_id"] for row in actions)
    return Counter({customer: min(CAP, count) for customer, count in counts.items()})
