"""Card holders and sessions by the hundred, and what must be found of them by force.

The oracle looks at all events of a card or a session at once, again for each of them. It knows
nothing of streams, and no part of it is shared with the use case.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from zlib import crc32

from cel_expr_python import cel
from google.protobuf import any_pb2

from glue.instants import from_millis, to_wire
from tests.flink.pipelines import DELAY_MS, START, Event, Made, Row, at

SEEDS = 200
MINUTE = 60_000
COUNT, WINDOW, THRESHOLD = 5, 75 * MINUTE, 200
TIMEOUT = 30 * MINUTE
DEVIATIONS, LEAST_COUNT, HALF_LIFE = 4, 10, 7 * 24 * 60 * MINUTE
RANK = {"balance": 0, "transaction": 1}
PAGES = ("page1", "page2", "page3")


def made() -> Made:
    """The golden cases, and random events of many seeds; each seed has cards of its own."""
    events = [*_golden()]
    for seed in range(SEEDS):
        events += _random(seed)
    events += list(_acceptances(events))
    return Made({"activity": sorted(events, key=at)}, _OUT_OF_ORDER)


# The last page arrives at its time, the others after it: the first as late as it may.
_OUT_OF_ORDER = {
    "out-of-order-page3": 0,
    "out-of-order-page2": 1_000,
    "out-of-order-page1": DELAY_MS,
}


def _event(kind: str, name: str, moment: int, **fields: Any) -> Event:
    time = to_wire(from_millis(START + moment))
    return {"type": kind, "event_id": name, "occurred_at": time, **fields}


# random events ------------------------------------------------------------------------------------


def _random(seed: int) -> Iterator[Event]:
    """Few cards and sessions in three hours, so that limits are met; some events at one time."""
    random = Random(seed)
    moments = [random.randrange(0, 180 * MINUTE, 500) for _ in range(12)]
    for number in range(60):
        moment = random.choice(moments) if number % 3 else random.randrange(180 * MINUTE)
        name, card = f"{seed}-{random.randrange(1_000)}-{number}", f"{seed}-c{random.randrange(2)}"
        if number % 10 == 9 and card.endswith("1"):
            yield _customer(card, name, moment, age=number)
        match random.randrange(10):
            case 0:
                yield _event("balance", name, moment, card_id=card, balance=100.0 + 25 * seed % 250)
            case 1 | 2 | 3:
                page = random.choice((*PAGES, "home"))
                session = f"{seed}-s{random.randrange(2)}"
                yield _event("page-view", name, moment, session_id=session, page=page)
            case _:
                amount = random.randrange(-300, 3_000) / 100 * (1 + 5 * (number % 17 == 0))
                account = 0 if number % 11 == 0 else 7
                fields = {"card_id": card, "acc_num": account, "amount": round(amount, 2)}
                yield _event("transaction", name, moment, **fields)


def _customer(card: str, name: str, moment: int, **fields: Any) -> Event:
    own = {"customer_id": f"k-{card}", "card_id": card, "acc_num": 7, **fields}
    return _event("customer", f"{name}-profile", moment, **own)


def _acceptances(events: list[Event]) -> Iterator[Event]:
    """Half of the offers are taken, whether somebody offered them or not."""
    for id_, row in business_events(events).items():
        if row["kind"] == "shopping" and crc32(id_.encode()) % 2:
            moment = row["occurred_at"] - START + 1_000
            yield _event("acceptance", f"{id_}-taken", moment, business_event_id=id_)


# golden cases -------------------------------------------------------------------------------------


def _golden() -> Iterator[Event]:
    yield _customer("golden-five", "old", -2 * MINUTE, age=20, segment="student")
    yield _customer("golden-five", "own", -MINUTE, age=40, time_zone="Asia/Tokyo")
    yield _customer("golden-five", "next", MINUTE, age=20)
    yield from _spent("five", 5)
    yield from _spent("six", 6)
    for card in range(6):
        yield from _spent(f"interleaved-{card}", 5, first=card)
    yield from _spent("slow", 5, apart=19 * MINUTE)
    yield from _spent("four", 4)
    yield from _spent("one", 1)
    yield from _spent("none", 9, acc_num=0)
    yield from _viewed("in-time", page1=0, page2=10, page3=29)
    yield from _viewed("silent", page1=0, page2=10)
    yield from _viewed("without-second", page1=0, page3=10)
    yield from _viewed("out-of-order", page3=0.03, page1=0, page2=0.02)  # minutes: within 2 s


def _spent(
    card: str, count: int, apart: int = 1, first: int = 0, acc_num: int = 7
) -> Iterator[Event]:
    """Debits of 10 from 200, one after the other."""
    card_id = f"golden-{card}"
    yield _event("balance", f"{card_id}-opening", -1, card_id=card_id, balance=200.0)
    for number in range(count):
        fields = {"card_id": card_id, "acc_num": acc_num, "amount": 10.0}
        yield _event("transaction", f"{card_id}-{number}", first + number * apart, **fields)


def _viewed(session: str, **pages: float) -> Iterator[Event]:
    for page, minute in pages.items():
        session_id, moment = f"golden-{session}", round(minute * MINUTE)
        yield _event("page-view", f"{session}-{page}", moment, session_id=session_id, page=page)


# the oracle ---------------------------------------------------------------------------------------


def business_events(events: list[Event]) -> dict[str, Row]:
    """What must be found, by id."""
    cards: dict[str, list[Event]] = defaultdict(list)
    sessions: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"] == "page-view":
            sessions[event["session_id"]].append(event)
        elif event["type"] in RANK and event.get("acc_num") != 0:
            cards[event["card_id"]].append(event)
    found: list[Row] = []
    for card, own in cards.items():
        own.sort(key=lambda e: (at(e), RANK[e["type"]], e["event_id"]))
        found += _shopping(card, own)
        found += _anomalies(card, [e for e in own if e.get("amount", 0) > 0])
    for session, views in sessions.items():
        steps = [v for v in views if v["page"] in PAGES]
        found += _stuck(session, sorted(steps, key=lambda v: (at(v), v["page"], v["event_id"])))
    return {row["id"]: row for row in found}


def _shopping(card: str, events: list[Event]) -> Iterator[Row]:
    for index, event in enumerate(events):
        before = events[: index + 1]
        levels = [n for n, e in enumerate(before) if e["type"] == "balance"]
        window = [e for e in before if e.get("amount", 0) > 0 and at(e) >= at(event) - WINDOW]
        if event.get("amount", 0) <= 0 or not levels or len(window) < COUNT:
            continue
        spent = sum(Fraction(str(e["amount"])) for e in before[levels[-1] + 1 :])
        balance = Fraction(str(before[levels[-1]]["balance"])) - spent
        if balance < THRESHOLD:
            own = {"balance": float(balance), "count": len(window)}
            yield _row("shopping", card, at(event), window[-COUNT:], event, **own)


def _anomalies(card: str, debits: list[Event]) -> Iterator[Row]:
    for index, event in enumerate(debits):
        if index >= LEAST_COUNT:
            weights = [2 ** ((at(e) - at(event)) / HALF_LIFE) for e in debits[:index]]
            amounts = [e["amount"] for e in debits[:index]]
            mean = sum(map(float.__mul__, weights, amounts)) / sum(weights)
            squares = sum(w * (a - mean) ** 2 for w, a in zip(weights, amounts, strict=True))
            scale = max((squares / sum(weights)) ** 0.5, 0.05 * mean)
            deviation = (event["amount"] - mean) / scale
            if abs(deviation) >= DEVIATIONS:
                kind = "spending_anomaly"
                yield _row(kind, card, at(event), [event], event, deviation=deviation)


def _stuck(session: str, views: list[Event]) -> Iterator[Row]:
    while views:
        first, *others = views
        if first["page"] != PAGES[0]:
            views = others
            continue
        end = at(first) + TIMEOUT
        attempt = [v for v in others if at(v) <= end]
        last = next((n for n, v in enumerate(attempt) if v["page"] == PAGES[2]), None)
        seconds = [v for v in attempt[:last] if v["page"] == PAGES[1]]
        if last is None and seconds:
            yield _row("stuck_in_form", session, end, [first, seconds[0]], first)
        views = others[len(attempt) if last is None else last + 1 :]


def _row(
    kind: str, subject: str, moment: int, causes: list[Event], named: Event, **own: Any
) -> Row:
    ids = [e["event_id"] for e in causes]
    return {
        "id": f"{kind}:{subject}:{named['event_id']}",
        "kind": kind,
        "subject": subject,
        "occurred_at": moment,
        **own,
        "causes": json.dumps(ids, separators=(",", ":")),
        "trace_id": named["event_id"],
    }


# decisions ----------------------------------------------------------------------------------------

HOUR = 60 * MINUTE
AMOUNT = "event.balance < 245.0 ? 250.0 - event.balance : 5.0"
FILLED = "{{ " + AMOUNT + " }}"
MESSAGE = "You have {{ event.balance }}: shall we transfer " + FILLED + "?"


def _rule(name: str, version: int, valid: int, kind: str, expression: str, **own: Any) -> Row:
    body = {"kind_of_event": kind, "expression": expression, "action": None, "priority": 0, **own}
    return {
        **_version("rule", name, version, valid, body),
        "checked": _checked(expression),
    }


def _version(kind: str, name: str, version: int, valid: int, body: Row, **own: Any) -> Row:
    return {
        "kind": kind,
        "name": name,
        "version": version,
        "valid_from": START + valid,
        "mode": "live",
        "ended": False,
        "body": body,
        **own,
    }


def _checked(expression: str) -> str:
    """The checked form, as it is stored."""
    types = cel.Type
    fields = types.Map(types.STRING, types.DYN)
    environment = cel.NewEnv(variables={"event": fields, "profile": fields})
    packed = any_pb2.Any.FromString(environment.compile(expression).serialize())
    return base64.b64encode(packed.value).decode()


def definitions() -> list[Row]:
    """A rule that changes, one in the shadow, one that fails, and a threshold that ends."""
    help_ = {"channel": "push", "title": "Help", "message": "{{ profile.customer_id }}"}
    transfer = {"channel": "push", "title": "Low", "message": MESSAGE}
    alert = {"channel": "mail", "title": "Unusual", "message": "{{ event.deviation }}"}
    newer = "event.balance < 160.0 && profile.age >= 30"
    high = {"kind_of_event": "spending_anomaly", "value": 0.9}
    return [
        _rule("spender", 1, -HOUR, "shopping", "event.balance < 151.0", action="transfer"),
        _rule("spender", 2, HOUR, "shopping", newer, action="transfer"),
        _rule("student", 1, -HOUR, "shopping", "profile.segment == 'student'"),
        {**_rule("all", 1, -HOUR, "shopping", "true", action="transfer"), "mode": "shadow"},
        _rule("stuck", 1, -HOUR, "stuck_in_form", "true", action="help"),
        _rule("unusual", 1, -HOUR, "spending_anomaly", "event.deviation > 0.0", action="alert"),
        _template("transfer", transfer, "event.balance", AMOUNT),
        _template("help", help_, "profile.customer_id"),
        _template("alert", alert, "event.deviation"),
        _version("threshold", "high", 1, -HOUR, high),
        _version("threshold", "high", 2, HOUR, high, ended=True),
    ]


def _template(name: str, body: Row, *placeholders: str) -> Row:
    checked = {text: _checked(text) for text in placeholders}
    return _version("template", name, 1, -HOUR, body, placeholders=checked)


def decisions(events: list[Event], found: dict[str, Row]) -> dict[str, Row]:
    """What must be decided of the business events that were found, by their ids."""
    profiles: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda e: (at(e), e["event_id"])):
        if event["type"] == "customer":
            profiles[event["card_id"]].append(event)
    decided = {}
    for id_, row in found.items():
        known = [p for p in profiles[row["subject"]] if at(p) <= row["occurred_at"]]
        decided[id_] = _decided(row, known[-1] if known else None)
    return decided


def _decided(row: Row, profile: Event | None) -> Row:
    results, action = _results(row, profile)
    if action == "transfer":
        balance = Decimal(row["balance"])
        cents = Decimal("0.01")
        action = MESSAGE.replace("{{ event.balance }}", str(balance.quantize(cents)))
        amount = Decimal(250.0 - row["balance"] if row["balance"] < 245 else 5.0)
        action = action.replace(FILLED, str(amount.quantize(cents)))
    elif action == "alert":
        action = str(Decimal(row["deviation"]).quantize(Decimal("0.01")))
    return {
        "rules": results,
        "profile": profile["event_id"] if profile else None,
        "customer": profile["customer_id"] if profile else None,
        "message": action,
    }


def _results(row: Row, profile: Event | None) -> tuple[list[tuple[str, int, str]], str | None]:
    is_new = row["occurred_at"] >= START + HOUR
    match row["kind"]:
        case "stuck_in_form":
            return [("stuck", 1, "true")], None  # the template names the customer: there is none
        case "spending_anomaly":
            is_unusual = row["deviation"] > 0
            action = "alert" if is_unusual and is_new else None
            return [("unusual", 1, str(is_unusual).lower())], action
    low = row["balance"] < (160 if is_new else 151)
    spender = str(low).lower()
    if is_new and low:
        spender = str(profile["age"] >= 30).lower() if profile else "error"
    segment = (profile or {}).get("segment")
    student = str(segment == "student").lower() if segment else "error"
    rules = [("all", 1, "true"), ("spender", 2 if is_new else 1, spender), ("student", 1, student)]
    return rules, "transfer" if spender == "true" else None
