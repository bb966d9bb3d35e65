"""Made-up card holders and sessions, with the business events that must be found and decided.

A quarter of the card holders are shoppers who spend towards an empty account and get money again;
of another quarter what they usually spend changes for good in the middle; the others now and then
spend far more than usual. Some sessions stop before the last page of the form. Most are of one of
the card holders; some are of nobody, some of another one at each page, of some the first page is
nobody's. Amounts of an account of number 0 are no part of any pattern.

Shoppers who run out of money take what they are offered with `accept_probability`, whether there is
a rule that offers them anything or not: without one their `acceptance` is `unmatched`, which is
what the truth says. It says too that all business events are decided and none of them passes: so
it is without live rules, and with those of `demonstration.py`, which are for its own customer.

`Expected` is the plain form of the rules, with the default numbers: for events in the order of
their time, each there once. Two events of one card or session never have the same time here.
"""

from __future__ import annotations

import heapq
import json
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from datagen import REPEAT_WITHIN, Contribution, Occurrence, Settings
from glue.instants import from_millis, to_millis, to_wire
from glue.parameters import Parameters
from usecases.shopping.parameters import PARAMETERS

Row = dict[str, Any]
UNITS = 10_000  # balances are whole numbers of ten-thousandths
FLOOR = 0.05  # the least standard deviation, as a share of the mean
MEMORY = 10  # half-lives without a debit, and the card is as new

_DEFAULTS = Parameters.parse({}, own=PARAMETERS)


def _number(name: str) -> float:
    return float(cast(float, _DEFAULTS[name]))


def _millis(name: str) -> int:
    return cast(timedelta, _DEFAULTS[name]) // timedelta(milliseconds=1)


COUNT = int(_number("PatternCount"))
WINDOW = _millis("PatternWindow")
LATE_DEBITS = max(WINDOW, _millis("LateDebits"))
THRESHOLD = round(_number("BalanceThreshold") * UNITS)
TIMEOUT = _millis("FormTimeout")
DEVIATIONS = _number("AnomalyDeviations")
HALF_LIFE = _millis("AnomalyHalfLife")
LEAST_COUNT = int(_number("AnomalyCount"))
PAGES = tuple(str(_DEFAULTS[name]) for name in ("FirstPage", "SecondPage", "LastPage"))
FOUND, REACTIONS, STREAM = "kinds", "reactions", "business-events"
EVENTS_PER_CARD = 60
SEGMENTS = ("private", "premium", "student", "business")
CONTINUES = (0.9, 0.75)  # the share of sessions that go on after the first and the second page
PAGE_DELAY = 3.0  # mean seconds
SESSIONS, OTHER_PAGES, NO_ACCOUNT, SURPRISES = 0.2, 0.05, 0.02, 0.03
ANSWER_DELAY = 5.0  # mean seconds
LATE_BALANCE, LATE_AMOUNT = 150.0, 10.0
_LIKES = dict(zip(SEGMENTS, (0.0, -1.5, 1.5, -0.5), strict=True))
_ANSWER, _PROFILE, _DEBIT = -1, -2, -3  # in place of a page


def accept_probability(*, balance: float, segment: str, age: int, drift: float = 0.0) -> float:
    """How likely a shopper takes an offer: the best any model can know.

    The less is left, and the younger the customer, the likelier. With a drift of 1 what was liked
    is disliked.
    """
    likes = _LIKES[segment] + (50.0 - age) / 20.0 + (80.0 - balance) / 60.0
    return 1.0 / (1.0 + math.exp(0.5 - likes * (1.0 - 2.0 * drift)))


def occurrences(settings: Settings) -> Iterator[Occurrence]:
    """One event each 1/rate seconds: the page that is due, else of a card or a new session.

    Late events are opening balances and debits of cards of their own, whose other events are
    in time (`_Made.late`).
    """
    made = _Made(settings)
    expected = Expected()
    last: Occurrence | None = None
    for number in range(settings.events):
        if last is not None:
            yield last
        at = settings.start_ms + int(number * 1000 / settings.rate)
        last = made.late(number, at, expected) or made.next(number, at, expected)
    if last is not None:
        yield _with(last, expected.finish())


def _with(occurrence: Occurrence, rows: list[Row]) -> Occurrence:
    """The occurrence with what follows from it."""
    later = tuple((_moment(row), added) for row in rows for added in _contributions(row))
    return occurrence._replace(
        rows=(*occurrence.rows, *((STREAM, row) for row in rows)),
        later=(*occurrence.later, *later),
    )


def _moment(row: Row) -> int:
    return to_millis(datetime.fromisoformat(row["occurred_at"]))


def _contributions(row: Row) -> tuple[Contribution, ...]:
    """A business event is found once, and decided once; it does not pass."""
    return (FOUND, row["kind"], (1,)), (REACTIONS, row["kind"], (1, 0, 0))


class _Made:
    """Events one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.random = Random(f"{settings.seed}/shopping")
        self.answers = Random(f"{settings.seed}/shopping/answers")
        self.prefix = f"{settings.start_ms:x}-{settings.seed}"
        self.cards = max(8, settings.events // EVENTS_PER_CARD)
        self.known: dict[int, int] = {}  # what was sent of a card before: profile, balance, debits
        self.latest: dict[int, int] = {}  # the time of the last event of a card
        # Time, number, session or business event or card, page or one of _ANSWER and the like.
        self.due: list[tuple[int, int, str, int]] = []
        self.late_ms = round(settings.late_by.total_seconds() * 1000)
        self.lates = 0
        self.opened = 0  # when the opening balance of the last late card is dated

    def late(self, number: int, at: int, expected: Expected) -> Occurrence | None:
        """In the second half, when time has moved on.

        Of each late card these are its opening balance, a debit of 1 ms before it, which changes
        nothing, and one of the same instant, which does. It spends four times in time, and once
        more when all these have come: that is `shopping` if they are not too old to be known.
        """
        is_first_half = number * 2 < self.settings.events
        if is_first_half or self.random.random() >= 2 * self.settings.late:
            return None
        step, card = self.lates % 3, self.cards + self.lates // 3
        self.lates += 1
        event = self._late_event(number, at, card, step)
        is_known = self.late_ms < LATE_DEBITS
        if is_known and step != 1:
            expected.take_late(event)
        return Occurrence(at, event, (), late=True)

    def _late_event(self, number: int, at: int, card: int, step: int) -> Row:
        own: dict[str, Any] = {"card_id": f"{self.prefix}-c{card}", "acc_num": 1_000 + card}
        match step:
            case 0:
                self.opened = at - self.late_ms
                self._follow(number, at + 1, card, _PROFILE)
                for _ in range(COUNT - 1):
                    self._follow(number, at + 2, card, _DEBIT)
                del own["acc_num"]
                return self._event("balance", number, self.opened, **own, balance=LATE_BALANCE)
            case 1:
                own["amount"] = 2 * LATE_AMOUNT
                return self._event("transaction", number, self.opened - 1, **own)
        wait = max(self.settings.shuffle, REPEAT_WITHIN) // timedelta(milliseconds=1)
        self._follow(number, at + 2 + wait, card, _DEBIT)
        return self._event("transaction", number, self.opened, **own, amount=LATE_AMOUNT)

    def _follow(self, number: int, at: int, card: int, page: int) -> None:
        heapq.heappush(self.due, (at, number, str(card), page))

    def next(self, number: int, at: int, expected: Expected) -> Occurrence:
        """The next event, with what must be found when it is there."""
        if self.due and self.due[0][0] <= at:
            _, _, subject, page = heapq.heappop(self.due)
            if page == _ANSWER:
                event = self._event("acceptance", number, at, business_event_id=subject)
                occurrence = Occurrence(at, event, (), unmatched=True)
            elif page == _PROFILE:
                occurrence = self._profile(number, at, int(subject))
            elif page == _DEBIT:
                occurrence = self._debit(number, at, int(subject))
            else:
                occurrence = self._view(number, at, subject, page)
        elif self.random.random() < SESSIONS:
            occurrence = self._view(number, at, f"{self.prefix}-s{number:x}", 0)
        else:
            occurrence = self._of_card(number, at, expected)
        rows = expected.take(at, occurrence.event)
        for row in rows:
            if row["kind"] == "shopping":
                self._answer(number, row)
        return _with(occurrence, rows)

    # answers ----------------------------------------------------------------------------------

    def _answer(self, number: int, row: Row) -> None:
        known = self._customer(int(row["subject"].rpartition("-c")[2]))
        probability = accept_probability(
            balance=row["balance"],
            segment=known["segment"],
            age=known["age"],
            drift=self.settings.drift,
        )
        if self.answers.random() < probability:
            wait = 1 + round(-math.log(1 - self.answers.random()) * ANSWER_DELAY * 1000)
            heapq.heappush(self.due, (_moment(row) + wait, number, row["id"], _ANSWER))

    # sessions ---------------------------------------------------------------------------------

    def _view(self, number: int, at: int, session: str, page: int) -> Occurrence:
        if page == 0 and self.random.random() < OTHER_PAGES:
            own = self._visitor(session, page)
            event = self._event("page-view", number, at, session_id=session, page="home", **own)
            return Occurrence(at, event, (), idempotent=True)
        if page < len(CONTINUES) and self.random.random() < CONTINUES[page]:
            wait = 1 + round(-math.log(1 - self.random.random()) * PAGE_DELAY * 1000)
            heapq.heappush(self.due, (at + wait, number, session, page + 1))
        own = self._visitor(session, page)
        event = self._event("page-view", number, at, session_id=session, page=PAGES[page], **own)
        return Occurrence(at, event, ())

    def _visitor(self, session: str, page: int) -> dict[str, str]:
        """Whose page it is, by the number of the event with which its session begins."""
        number = int(session.rpartition("-s")[2], 16)
        if number % 8 == 0 or (number % 8 == 1 and page == 0):
            return {}
        card = number + page if number % 8 == 2 else number
        return {"customer_id": f"{self.prefix}-k{card % self.cards}"}

    # cards ------------------------------------------------------------------------------------

    def _of_card(self, number: int, at: int, expected: Expected) -> Occurrence:
        card = self.random.randrange(self.cards)
        for _ in range(self.cards):
            if self.latest.get(card) != at:
                break  # no two events of a card at one time, while there are enough cards
            card = (card + 1) % self.cards
        self.latest[card] = at
        count = self.known.get(card, 0)
        self.known[card] = count + 1
        card_id = f"{self.prefix}-c{card}"
        left = expected.balance_of(card_id)
        if count == 0:
            return self._profile(number, at, card)
        if count == 1 or (self._shops(card) and left is not None and left < 20):
            money = 200.0 + self.random.randrange(100) if self._shops(card) else 1_000_000.0
            event = self._event("balance", number, at, card_id=card_id, balance=money)
            return Occurrence(at, event, ())
        no_account = self.random.random() < NO_ACCOUNT
        fields = {
            "acc_num": 0 if no_account else 1_000 + card,
            "amount": self._amount(number, card),
        }
        event = self._event("transaction", number, at, card_id=card_id, **fields)
        return Occurrence(at, event, (), refused="filtered" if no_account else "")

    def _debit(self, number: int, at: int, card: int) -> Occurrence:
        own = {"card_id": f"{self.prefix}-c{card}", "acc_num": 1_000 + card, "amount": LATE_AMOUNT}
        return Occurrence(at, self._event("transaction", number, at, **own), ())

    def _profile(self, number: int, at: int, card: int) -> Occurrence:
        return Occurrence(at, self._event("customer", number, at, **self._customer(card)), ())

    def _customer(self, card: int) -> dict[str, Any]:
        return {
            "customer_id": f"{self.prefix}-k{card}",
            "card_id": f"{self.prefix}-c{card}",
            "acc_num": 1_000 + card,
            "age": 18 + card % 60,
            "segment": SEGMENTS[card // 4 % len(SEGMENTS)],
            "average_monthly_expenditures": 50.0 * self._usual(card),
        }

    def _amount(self, number: int, card: int) -> float:
        amount = self._usual(card) * (0.8 + 0.4 * self.random.random())
        if card % 4 == 1 and number * 2 >= self.settings.events:
            amount *= 4
        elif card % 4 > 1 and self.random.random() < SURPRISES:
            amount *= 8
        return round(amount, 2)

    @staticmethod
    def _shops(card: int) -> bool:
        return card % 4 == 0

    @staticmethod
    def _usual(card: int) -> float:
        return 10.0 + card % 7 * 3

    def _event(self, kind: str, number: int, at: int, **fields: Any) -> Row:
        time = to_wire(from_millis(at))
        event_id = f"{self.prefix}-{number:08x}"
        return {"type": kind, "event_id": event_id, "occurred_at": time, **fields}


# what must be found -----------------------------------------------------------------------------


@dataclass
class _Usual:
    """The decayed mean and deviation of a card's debits."""

    count: int = 0
    last: int = 0
    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def deviation(self, at: int, amount: float) -> float:
        """How far off an amount is, 0 while too few are known; then it is one of them."""
        if self.count and at - self.last > MEMORY * HALF_LIFE:
            self.count, self.weight, self.mean, self.squares = 0, 0.0, 0.0, 0.0
        factor = math.pow(2, -(at - self.last) / HALF_LIFE) if self.count else 1.0
        self.weight, self.squares, self.last = self.weight * factor, self.squares * factor, at
        found = 0.0
        if self.count >= LEAST_COUNT:
            scale = max(math.sqrt(self.squares / self.weight), FLOOR * abs(self.mean), 1e-9)
            found = (amount - self.mean) / scale
        distance = amount - self.mean
        self.count, self.weight = self.count + 1, self.weight + 1
        self.mean += distance / self.weight
        self.squares += distance * (amount - self.mean)
        return found


@dataclass
class _Card:
    balance: int | None = None
    debits: deque[tuple[int, str]] = field(default_factory=deque)
    usual: _Usual = field(default_factory=_Usual)


class Expected:
    """The business events that follow from events, taken one after the other."""

    def __init__(self) -> None:
        self._cards: dict[str, _Card] = {}
        # Time, event and customer of the pages of each session, in the order they began.
        self._attempts: dict[str, list[tuple[int, str, str | None]]] = {}

    def balance_of(self, card_id: str) -> float | None:
        """What is left on a card, if anything is known of it."""
        card = self._cards.get(card_id)
        return None if card is None or card.balance is None else card.balance / UNITS

    def take(self, at: int, event: Row) -> list[Row]:
        """What an event makes certain, with the sessions whose time was over before it."""
        found = list(self._over(at))
        match event["type"]:
            case "balance":
                card = self._cards.setdefault(event["card_id"], _Card())
                card.balance = round(event["balance"] * UNITS)
            case "transaction" if event["acc_num"]:
                found += self._spent(at, event)
            case "page-view":
                self._viewed(at, event)
        return found

    def take_late(self, event: Row) -> None:
        """What a late event changes from now on: a balance of a card, or an amount paid since."""
        card = self._cards.setdefault(event["card_id"], _Card())
        if event["type"] == "balance":
            card.balance = round(event["balance"] * UNITS)
        elif card.balance is not None:
            card.balance -= round(event["amount"] * UNITS)

    def finish(self) -> list[Row]:
        """What follows when nothing else comes."""
        return list(self._over(None))

    def _spent(self, at: int, event: Row) -> Iterator[Row]:
        card = self._cards.setdefault(event["card_id"], _Card())
        if card.balance is not None:
            card.balance -= round(event["amount"] * UNITS)
        if event["amount"] <= 0:
            return
        card.debits.append((at, event["event_id"]))
        while card.debits[0][0] < at - WINDOW:
            card.debits.popleft()
        if len(card.debits) >= COUNT and card.balance is not None and card.balance < THRESHOLD:
            causes = [id_ for _, id_ in card.debits][-COUNT:]
            numbers = {"balance": card.balance / UNITS, "count": len(card.debits)}
            yield _row("shopping", event["card_id"], at, event["event_id"], causes, **numbers)
        deviation = card.usual.deviation(at, event["amount"])
        if abs(deviation) >= DEVIATIONS:
            causes, kind = [event["event_id"]], "spending_anomaly"
            yield _row(kind, event["card_id"], at, causes[0], causes, deviation=deviation)

    def _viewed(self, at: int, event: Row) -> None:
        if event["page"] not in PAGES:
            return
        step, session = PAGES.index(event["page"]), event["session_id"]
        attempt = self._attempts.get(session, [])
        if step == len(PAGES) - 1:
            self._attempts.pop(session, None)
        elif step == len(attempt):
            page = (at, event["event_id"], event.get("customer_id"))
            self._attempts[session] = [*attempt, page]

    def _over(self, at: int | None) -> Iterator[Row]:
        over = []
        for session, attempt in self._attempts.items():
            end = attempt[0][0] + TIMEOUT
            if at is not None and end >= at:
                break
            over.append(session)
            if len(attempt) == len(PAGES) - 1:
                causes = [id_ for _, id_, _ in attempt]
                named = [customer for _, _, customer in attempt if customer]
                own = {"customer_id": named[-1]} if named else {}
                yield _row("stuck_in_form", session, end, causes[0], causes, **own)
        for session in over:
            del self._attempts[session]


def _row(kind: str, subject: str, at: int, named: str, causes: list[str], **own: Any) -> Row:
    return {
        "id": f"{kind}:{subject}:{named}",
        "kind": kind,
        "subject": subject,
        "occurred_at": to_wire(from_millis(at)),
        **own,
        "causes": json.dumps(causes, separators=(",", ":")),
        "trace_id": named,
    }
