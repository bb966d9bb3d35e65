"""Card holders and sessions by the hundred, and what must be found of them by force.

The oracle looks at all events of a card or a session at once, again for each of them. It knows
nothing of streams, and no part of it is shared with the use case.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from zlib import crc32

from cel_expr_python import cel
from google.protobuf import any_pb2

from glue.instants import from_millis, to_wire
from tests.flink.pipelines import BUCKET, DELAY_MS, START, Event, Made, Row, at

SEEDS = 200
MINUTE = 60_000
COUNT, WINDOW, THRESHOLD = 5, 75 * MINUTE, 200
TIMEOUT = 30 * MINUTE
DEVIATIONS, LEAST_COUNT, HALF_LIFE = 4, 10, 7 * 24 * 60 * MINUTE
RANK = {"balance": 0, "transaction": 1}
PAGES = ("page1", "page2", "page3")


def made() -> Made:
    """The golden cases, and random events of many seeds; each seed has cards of its own."""
    events, delays = [*_golden()], dict(_OUT_OF_ORDER)
    for seed in range(SEEDS):
        own = list(_random(seed))
        events += own
        delays |= _interleaving(seed, own)
    events += list(_acceptances(events))
    return Made({"activity": sorted(events, key=at)}, delays)


def _interleaving(seed: int, events: list[Event]) -> dict[str, int]:
    """How long after their time the events of a seed arrive: at random, or as far apart as can be.

    What is within half of WatermarkDelay comes in the order of time or backwards, or each event as
    early or as late as it may.
    """
    half, names = DELAY_MS // 2, [e["event_id"] for e in events]
    match seed % 4:
        case 1:
            return dict.fromkeys(names, half)
        case 2:
            return {e["event_id"]: 2 * (half - at(e) % half) for e in events}
        case 3:
            chosen = Random(-seed)
            return {name: chosen.choice((0, DELAY_MS)) for name in names}
    return {}


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
    """Few cards and sessions in three hours, so that limits are met; some events at one time.

    Most are within seconds of others of the seed.
    """
    random = Random(seed)
    moments = [random.randrange(0, 180 * MINUTE, 500) for _ in range(12)]
    for number in range(60):
        moment = random.choice(moments) if number % 3 else random.randrange(180 * MINUTE)
        moment += random.randrange(0, DELAY_MS, 500) * (number % 2)
        name, card = f"{seed}-{random.randrange(1_000)}-{number}", f"{seed}-c{random.randrange(2)}"
        if number % 10 == 9 and card.endswith("1"):
            yield _customer(card, name, moment, age=number)
        match random.randrange(10):
            case 0:
                yield _event("balance", name, moment, card_id=card, balance=100.0 + 25 * seed % 250)
            case 1 | 2 | 3:
                page = random.choice((*PAGES, "home"))
                session = f"{seed}-s{random.randrange(2)}"
                own = ({}, {"customer_id": ""}, {"customer_id": f"k-{card}"})[number % 3]
                yield _event("page-view", name, moment, session_id=session, page=page, **own)
            case _:
                amount = random.randrange(-300, 3_000) / 100 * (1 + 5 * (number % 17 == 0))
                account = 0 if number % 11 == 0 else 7
                fields = {"card_id": card, "acc_num": account, "amount": round(amount, 2)}
                yield _event("transaction", name, moment, **fields)


def _customer(card: str | None, name: str, moment: int, **fields: Any) -> Event:
    own = {"customer_id": f"k-{card}", "card_id": card, "acc_num": 7} if card else {}
    own |= fields
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
    yield from _paid("more", 30.0)
    yield from _paid("less", 5.0)
    yield from _viewed("in-time", page1=0, page2=10, page3=29)
    yield from _viewed("silent", page1=0, page2=10)
    yield from _viewed("without-second", page1=0, page3=10)
    yield from _viewed("out-of-order", page3=0.03, page1=0, page2=0.02)  # minutes: within 2 s
    yield from _of_customers()


def _of_customers() -> Iterator[Event]:
    """Sessions of customers; one customer, and one session, has the id of a card."""
    yield _customer(None, "guest", -MINUTE, customer_id="k-guest", age=30)
    yield _customer(None, "namesake", -MINUTE, customer_id="golden-six", age=60)
    yield _customer("golden-taken", "taken", -MINUTE, age=40)
    yield from _spent("taken", 5)
    yield from _viewed("guest", {"page1": "k-guest"}, page1=0, page2=10)
    yield from _viewed("second-of-two", {"page1": "k-1", "page2": "k-guest"}, page1=0, page2=1)
    yield from _viewed("first-of-two", {"page1": "k-guest", "page2": "k-1"}, page1=0, page2=1)
    yield from _viewed("at-one-time", {"page1": "k-1", "page2": "k-guest"}, page2=0, page1=0)
    yield from _viewed("namesake", {"page2": "golden-six"}, page1=0, page2=10)
    yield from _viewed("holder", {"page2": "k-golden-five"}, page1=0, page2=10)
    yield from _viewed("taken", page1=0, page2=10)
    yield from _viewed("of-a-card", {"page1": "golden-five"}, page1=0, page2=10)


def _spent(
    card: str, count: int, apart: int = 1, first: int = 0, acc_num: int = 7
) -> Iterator[Event]:
    """Debits of 10 from 200, one after the other."""
    card_id = f"golden-{card}"
    yield _event("balance", f"{card_id}-opening", -1, card_id=card_id, balance=200.0)
    for number in range(count):
        fields = {"card_id": card_id, "acc_num": acc_num, "amount": 10.0}
        yield _event("transaction", f"{card_id}-{number}", first + number * apart, **fields)


def _paid(card: str, last: float) -> Iterator[Event]:
    """As many debits of 10 as the usual amount needs, and another one; without a balance."""
    for number in range(LEAST_COUNT + 1):
        amount = last if number == LEAST_COUNT else 10.0
        fields = {"card_id": f"golden-{card}", "acc_num": 7, "amount": amount}
        yield _event("transaction", f"golden-{card}-{number}", number, **fields)


def _viewed(
    session: str, customers: Mapping[str, str] | None = None, **pages: float
) -> Iterator[Event]:
    """Pages, each at its minute, some with a customer."""
    for page, minute in pages.items():
        session_id, moment = f"golden-{session}", round(minute * MINUTE)
        own = {"customer_id": customers[page]} if page in (customers or {}) else {}
        fields = {"session_id": session_id, "page": page, **own}
        yield _event("page-view", f"{session}-{page}", moment, **fields)


# the oracle ---------------------------------------------------------------------------------------


def business_events(
    events: Sequence[Event], timeout: int = TIMEOUT, late: Container[str] = ()
) -> dict[str, Row]:
    """What must be found in distinct events, by id; a form may take `timeout` (ms).

    `late` are the ids of late events that change balances; with them events are in the order in
    which they came, and those of one card that are in time are not behind any later one of it.
    """
    cards: dict[str, list[Event]] = defaultdict(list)
    sessions: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"] == "page-view":
            sessions[event["session_id"]].append(event)
        elif event["type"] in RANK and event.get("acc_num") != 0:
            cards[event["card_id"]].append(event)
    found: list[Row] = []
    for card, came in cards.items():
        own = [e for e in came if e["event_id"] not in late]
        own.sort(key=lambda e: (at(e), RANK[e["type"]], e["event_id"]))
        found += _shopping(card, own, came, late)
        found += _anomalies(card, [e for e in own if e.get("amount", 0) > 0])
    for session, views in sessions.items():
        steps = [v for v in views if v["page"] in PAGES]
        steps.sort(key=lambda v: (at(v), v["page"], v["event_id"]))
        found += _stuck(session, steps, timeout)
    return {row["id"]: row for row in found}


def _shopping(
    card: str, events: list[Event], came: list[Event], late: Container[str]
) -> Iterator[Row]:
    for index, event in enumerate(events):
        before = events[: index + 1]
        window = [e for e in before if e.get("amount", 0) > 0 and at(e) >= at(event) - WINDOW]
        known = before + [e for e in came[: came.index(event)] if e["event_id"] in late]
        levels = [e for e in known if e["type"] == "balance"]
        if event.get("amount", 0) <= 0 or not levels or len(window) < COUNT:
            continue
        level = max(levels, key=lambda e: (at(e), e["event_id"]))
        since = [e for e in known if e["type"] == "transaction" and at(e) >= at(level)]
        balance = Fraction(str(level["balance"])) - sum(Fraction(str(e["amount"])) for e in since)
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


def _stuck(session: str, views: list[Event], timeout: int) -> Iterator[Row]:
    while views:
        first, *others = views
        if first["page"] != PAGES[0]:
            views = others
            continue
        end = at(first) + timeout
        attempt = [v for v in others if at(v) <= end]
        last = next((n for n, v in enumerate(attempt) if v["page"] == PAGES[2]), None)
        seconds = [v for v in attempt[:last] if v["page"] == PAGES[1]]
        if last is None and seconds:
            pages = [first, seconds[0]]
            named = [v["customer_id"] for v in pages if v.get("customer_id")]
            own = {"customer_id": named[-1]} if named else {}
            yield _row("stuck_in_form", session, end, pages, first, **own)
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
RESERVED = HOUR // 2  # from when on there is the feature
AMOUNT = "event.balance < 245.0 ? 250.0 - event.balance : 5.0"
FILLED = "{{ " + AMOUNT + " }}"
MESSAGE = "You have {{ event.balance }}: shall we transfer " + FILLED + "?"


def _rule(name: str, version: int, valid: int, kind: str, expression: str, **own: Any) -> Row:
    body = {"kind_of_event": kind, "expression": expression, "action": None, "priority": 0, **own}
    return {
        **_version("rule", name, version, valid, body),
        "checked": _checked(expression),
    }


def _feature(name: str, version: int, valid: int, kind: str, expression: str) -> Row:
    body = {"kind_of_event": kind, "expression": expression, "type": "double"}
    return {
        **_version("feature", name, version, valid, body),
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
    environment = cel.NewEnv(variables=dict.fromkeys(("event", "profile", "features"), fields))
    packed = any_pb2.Any.FromString(environment.compile(expression).serialize())
    return base64.b64encode(packed.value).decode()


def definitions() -> list[Row]:
    """A rule that changes, one in the shadow, two that fail, and a threshold that ends.

    The feature `reserve` begins and changes while its rule does not.
    """
    help_ = {"channel": "push", "title": "Help", "message": "{{ profile.customer_id }}"}
    transfer = {"channel": "push", "title": "Low", "message": MESSAGE}
    alert = {"channel": "mail", "title": "Unusual", "message": "{{ event.deviation }}"}
    newer = "event.balance < 160.0 && profile.age >= 30"
    high = {"kind_of_event": "spending_anomaly", "value": 0.9}
    return [
        _rule("spender", 1, -HOUR, "shopping", "event.balance < 151.0", action="transfer"),
        _rule("spender", 2, HOUR, "shopping", newer, action="transfer"),
        _feature("reserve", 1, RESERVED, "shopping", "event.balance - 100.0"),
        _feature("reserve", 2, HOUR, "shopping", "double(profile.age)"),
        _rule("reserve", 1, -HOUR, "shopping", "features.reserve < 40.0"),
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


def decisions(events: list[Event], found: dict[str, Row]) -> tuple[dict[str, Row], dict[str, Row]]:
    """The decisions and actions that must follow from what was found, whole rows by their ids.

    Times are in ms; of a rule's error only the field that is missing is the reason.
    """
    customers = [e for e in events if e["type"] == "customer"]
    customers.sort(key=lambda e: (at(e), e["event_id"]))
    decided, acted = {}, {}
    for id_, row in found.items():
        profile = None
        for event in customers:
            if _is_of(event, row) and at(event) <= row["occurred_at"]:
                profile = event
        action = _action(row, profile)
        decided[id_] = _decision(row, profile, action)
        if action:
            acted[action["id"]] = action
    return decided, acted


def _is_of(customer: Event, row: Row) -> bool:
    """Whether a profile is that of the card, or of the customer of the session."""
    if row["kind"] == "stuck_in_form":
        return customer["customer_id"] == row.get("customer_id")
    return customer.get("card_id") == row["subject"]


Reaction = tuple[int, int, int]
"""Decisions, those of them that passed, and those that led to an action."""


def reaction(row: Row) -> Reaction:
    """A row of the report."""
    return row["decisions"], row["passed"], row["actions"]


def reactions(decided: Iterable[Row]) -> dict[tuple[str, int], Reaction]:
    """What must be counted of decisions, by kind and bucket."""
    counts: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in decided:
        second = row["occurred_at"] // 1000
        own = counts[row["kind"], second - second % BUCKET]
        own[0] += 1
        own[1] += row["passed"]
        own[2] += "action_id" in row
    return {key: (own[0], own[1], own[2]) for key, own in counts.items()}


def written(decision: Row) -> Row:
    """A decision as the job writes it, in the form of those that must follow."""
    rules = json.loads(decision["rules"])
    for rule in rules:
        if rule["result"] == "error":
            rule["reason"] = _missing(rule["reason"])
        elif rule["result"] == "false":
            comparison, value = rule["reason"].rstrip(")").rsplit(" is ", 1)
            rule["reason"] = f"{comparison} is {json.loads(value)})"
    detail = decision.get("detail")
    if detail and "cannot be filled" in detail:
        text, _, why = detail.rpartition(": ")
        text, _, start = text.rpartition("cannot be filled: ")
        detail = f"{text}cannot be filled: {_missing(start + why)}"
    return {
        **decision,
        "occurred_at": at(decision),
        "rules": rules,
        **({"detail": detail} if detail else {}),
    }


def _missing(why: str) -> str:
    """What an expression has missed: a field, or a feature and what that has missed."""
    return " ".join(why.split("'")[1::2])


def _decision(row: Row, profile: Event | None, action: Row | None) -> Row:
    rules = list(_rules(row, profile))
    chosen = [r["name"] for r in rules if r["result"] == "true" and r["mode"] == "live"]
    acting = [name for name in chosen if name != "reserve"]  # which has no action
    details = [] if profile else ["there is no profile"]
    if acting:
        details += ["there is no model: the default score applies"]
    if acting and row["kind"] == "stuck_in_form":
        details += [] if action else ["the template help cannot be filled: customer_id"]
    elif acting and not action:
        details += ["the score 0.5 is below the threshold 0.9 (high, version 1)"]
    return {
        **{name: row[name] for name in ("id", "kind", "subject", "occurred_at", "trace_id")},
        **_known(profile, row),
        "business_event_id": row["id"],
        "passed": bool(chosen),
        "rules": rules,
        **({"profile_id": profile["event_id"]} if profile else {}),
        **({"score": 0.5} if acting else {}),
        **({"action_id": action["id"]} if action else {}),
        **({"detail": "; ".join(details)} if details else {}),
    }


def _known(profile: Event | None, row: Row) -> Row:
    customer = profile["customer_id"] if profile else row.get("customer_id")
    return {"customer_id": customer} if customer else {}


def _rules(row: Row, profile: Event | None) -> Iterator[Row]:
    """What each rule in force says, by its name."""
    is_new = row["occurred_at"] >= START + HOUR
    match row["kind"]:
        case "stuck_in_form":
            yield _said("stuck", 1, "true")
        case "spending_anomaly":
            why = f"event.deviation > 0.0 (event.deviation is {row['deviation']})"
            yield _said("unusual", 1, *(("true",) if row["deviation"] > 0 else ("false", why)))
        case _:
            yield _said("all", 1, "true", mode="shadow")
            yield _reserve(row, profile)
            yield _said("spender", 1 + is_new, *_spends(row, profile, 160.0 if is_new else 151.0))
            segment = (profile or {}).get("segment")
            assert segment in {None, "student"}
            yield _said("student", 1, *(("true",) if segment else ("error", "segment")))


def _said(name: str, version: int, result: str, reason: str = "", mode: str = "live") -> Row:
    own = {"reason": reason} if reason else {}
    return {"name": name, "version": version, "mode": mode, "result": result, **own}


def _reserve(row: Row, profile: Event | None) -> Row:
    """By a feature that begins half an hour after START, and is another half an hour later."""
    version = (row["occurred_at"] >= START + RESERVED) + (row["occurred_at"] >= START + HOUR)
    used = {"features": {"reserve": version}} if version else {}
    if version == 1:
        reserve = row["balance"] - 100.0
    elif version == 2 and profile:
        reserve = float(profile["age"])
    else:
        return _said("reserve", 1, "error", "reserve age" if version else "reserve") | used
    if reserve < 40:
        return _said("reserve", 1, "true") | used
    why = f"features.reserve < 40.0 (features.reserve is {reserve})"
    return _said("reserve", 1, "false", why) | used


def _spends(row: Row, profile: Event | None, limit: float) -> tuple[str, ...]:
    if row["balance"] >= limit:
        return "false", f"event.balance < {limit} (event.balance is {row['balance']})"
    if limit == 151.0:
        return ("true",)
    if profile is None:
        return "error", "age"
    if profile["age"] < 30:
        return "false", f"profile.age >= 30 (profile.age is {profile['age']})"
    return ("true",)


def _action(row: Row, profile: Event | None) -> Row | None:
    """The one that follows; of a session only with the profile that its template names."""
    rules = {rule["name"]: rule for rule in _rules(row, profile)}
    is_new = row["occurred_at"] >= START + HOUR
    if rules.get("spender", {}).get("result") == "true":
        rule, channel, title = "spender", "push", "Low"
        message = _offer(row["balance"])
    elif rules.get("unusual", {}).get("result") == "true" and is_new:
        rule, channel, title = "unusual", "mail", "Unusual"
        message = _decimals(row["deviation"])
    elif "stuck" in rules and profile:
        rule, channel, title = "stuck", "push", "Help"
        message = profile["customer_id"]
    else:
        return None
    zone = (profile or {}).get("time_zone")
    return {
        **{name: row[name] for name in ("kind", "subject", "occurred_at", "trace_id")},
        **_known(profile, row),
        "id": f"{row['id']}:{rule}",
        "business_event_id": row["id"],
        "channel": channel,
        "title": title,
        "message": message,
        "score": 0.5,
        "rule": rule,
        "rule_version": rules[rule]["version"],
        "template_version": 1,
        **({"time_zone": zone} if zone else {}),
    }


def _offer(balance: float) -> str:
    text = MESSAGE.replace("{{ event.balance }}", _decimals(balance))
    return text.replace(FILLED, _decimals(250.0 - balance if balance < 245 else 5.0))


def _decimals(number: float) -> str:
    return str(Decimal(number).quantize(Decimal("0.01")))
