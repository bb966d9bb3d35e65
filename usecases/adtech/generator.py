"""Made-up auctions: a realistic mix whose probabilities are known functions.

Prices are micro-USD for one impression. An auction is one bid; with `win_probability` the ad is
shown, and then with `click_probability` clicked. Late auctions happened `late_by` earlier. With
`drift` another mix wins, for more money: what a model learned before no longer holds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from datagen import Contribution, Occurrence, Settings
from glue.instants import from_millis, to_wire

REPORT = "campaigns"
CAMPAIGNS = tuple(1_463_500 + 17 * n for n in range(20))
CATEGORIES = ("Sports", "News", "Travel", "Food", "Finance", "Games", "Fashion", "Autos")
DOMAINS = tuple(f"{name}.example" for name in (
    "daily-herald", "goal", "kitchen", "atlas", "ledger", "arcade", "runway", "garage",
    "weather", "forum", "recipes", "podcasts",
))  # fmt: skip
CREATIVES = tuple(f"cr-{n:03d}" for n in range(60))
REFERENCE_PRICE = 2_000
IMPRESSION_DELAY, CLICK_DELAY = 0.4, 3.0  # mean seconds after the step before


class _Tastes(NamedTuple):
    """What a feature adds to the log odds; spread evenly, so that there is something to learn."""

    category: dict[str, float]
    domain: dict[str, float]
    creative: dict[str, float]


@lru_cache(16)
def _tastes(drift: float) -> _Tastes:
    """With a drift of 1 what was liked is disliked, and the other way round."""
    turn = math.pi * drift
    return _Tastes(
        {name: 0.9 * math.sin(2.1 * i + turn) for i, name in enumerate(CATEGORIES)},
        {name: 0.7 * math.sin(1.3 * i + 0.5 + turn) for i, name in enumerate(DOMAINS)},
        {name: 0.5 * math.sin(2.7 * i + 1.1 + turn) for i, name in enumerate(CREATIVES)},
    )


class _Offer(NamedTuple):
    campaign: int
    fields: dict[str, Any]
    late: bool


def win_probability(
    *,
    price: int,
    domain: str = "",
    creative_id: str = "",
    creative_category: str = "",
    drift: float = 0.0,
) -> float:
    """The chance, 0 to 1, that a bid at `price` (micro-USD) wins; rises with the price.

    Unknown or missing features count as average. `drift` turns what is liked, and makes winning
    harder.
    """
    tastes = _tastes(drift)
    odds = (
        -0.6
        - 0.5 * drift
        + 1.4 * math.log((price + 1) / REFERENCE_PRICE)
        + tastes.domain.get(domain, 0.0)
        + 0.5 * tastes.creative.get(creative_id, 0.0)
        + tastes.category.get(creative_category, 0.0)
    )
    return 1 / (1 + math.exp(-odds))


def click_probability(*, creative_id: str = "", creative_category: str = "") -> float:
    """The chance, 0 to 1, that a shown ad is clicked; far above real rates, to see some."""
    tastes = _tastes(0.0)
    category = tastes.category.get(creative_category, 0.0)
    odds = -2.2 + tastes.creative.get(creative_id, 0.0) + 0.5 * category
    return 1 / (1 + math.exp(-odds))


def occurrences(settings: Settings) -> Iterator[Occurrence]:
    """One event each 1/rate seconds: the impression or click that is due, else a new bid.

    A share of them are impressions and clicks without a bid.
    """
    random = Random(f"{settings.seed}/adtech")
    prefix = f"{settings.start_ms:x}-{settings.seed}"
    if settings.drift:
        prefix += f"-{settings.drift:g}"
    clock = _Clock()
    due: list[tuple[float, int, str, str, _Offer]] = []
    late_ms = round(settings.late_by.total_seconds() * 1000)
    step = 1000 / settings.rate
    for number in range(settings.events):
        at = settings.start_ms + int(number * step)
        if settings.unmatched and random.random() < settings.unmatched:
            yield _orphan(random, f"{prefix}-{number:x}", at, clock.text(at))
            continue
        if due and due[0][0] <= at:
            _, _, kind, tx_id, offer = heapq.heappop(due)
        else:
            kind, tx_id = "bid", f"{prefix}-{number:x}"
            offer = _offer(random, settings.drift, _is_late(random, settings, number))
        time = clock.text(at - late_ms if offer.late else at)
        event = {"type": kind, "event_id": f"{tx_id}-{kind}", "occurred_at": time, "tx_id": tx_id}
        following = _follow(random, kind, offer, settings.drift)
        if following:
            wait, next_kind = following
            heapq.heappush(due, (at + wait * 1000, number, next_kind, tx_id, offer))
        event.update(_fields(kind, offer))
        yield Occurrence(at, event, _contributions(kind, offer), offer.late)


def _orphan(random: Random, tx_id: str, at: int, time: str) -> Occurrence:
    """An impression or a click of an auction that nothing else is heard of."""
    kind = "imp" if random.random() < 0.5 else "click"
    price = {"win_price": REFERENCE_PRICE} if kind == "imp" else {}
    event = {"type": kind, "event_id": f"{tx_id}-{kind}", "occurred_at": time, "tx_id": tx_id}
    return Occurrence(at, event | price, (), unmatched=True)


def _is_late(random: Random, settings: Settings, number: int) -> bool:
    """Late auctions lie in the second half: time must have moved for them to be late."""
    return number * 2 >= settings.events and random.random() < 2 * settings.late


def _offer(random: Random, drift: float, late: bool) -> _Offer:
    campaign = int(random.random() ** 1.7 * len(CAMPAIGNS))  # the first ones bid the most
    creative = (campaign * 3 + int(random.random() * 3)) % len(CREATIVES)
    fields = {
        "app_uid": f"app-{int(random.random() * 40):02d}",
        "campaign_item_id": CAMPAIGNS[campaign],
        "creative_category": CATEGORIES[(campaign + creative) % len(CATEGORIES)],
        "creative_id": CREATIVES[creative],
        "domain": DOMAINS[int(random.random() * len(DOMAINS))],
        "win_price": int(REFERENCE_PRICE * math.exp(random.random() * 2.4 - 1.2 + 0.4 * drift)),
    }
    return _Offer(CAMPAIGNS[campaign], fields, late)


def _follow(random: Random, kind: str, offer: _Offer, drift: float) -> tuple[float, str] | None:
    """What comes next in the auction, and after how many seconds."""
    features = offer.fields
    creative, category = features["creative_id"], features["creative_category"]
    if kind == "bid":
        chance = win_probability(
            price=features["win_price"],
            domain=features["domain"],
            creative_id=creative,
            creative_category=category,
            drift=drift,
        )
        next_kind, mean = "imp", IMPRESSION_DELAY
    elif kind == "imp":
        chance = click_probability(creative_id=creative, creative_category=category)
        next_kind, mean = "click", CLICK_DELAY
    else:
        return None
    if random.random() >= chance:
        return None
    return -math.log(1 - random.random()) * mean, next_kind


def _clearing_price(offer: _Offer) -> int:
    """A little under the price offered, as in a second-price auction."""
    return int(offer.fields["win_price"]) * 9 // 10


def _fields(kind: str, offer: _Offer) -> dict[str, Any]:
    if kind == "bid":
        return offer.fields
    return {"win_price": _clearing_price(offer)} if kind == "imp" else {}


def _contributions(kind: str, offer: _Offer) -> tuple[Contribution, ...]:
    if kind == "bid":
        numbers = (1, 0, 0, 0)
    elif kind == "imp":
        numbers = (0, 1, 0, _clearing_price(offer))
    else:
        numbers = (0, 0, 1, 0)
    return ((REPORT, offer.campaign, numbers),)


class _Clock:
    """Writes instants; the seconds are kept, as neighbours share them."""

    def __init__(self) -> None:
        self._second, self._text = -1, ""

    def text(self, epoch_ms: int) -> str:
        second, millis = divmod(epoch_ms, 1000)
        if second != self._second:
            self._second, self._text = second, to_wire(from_millis(second * 1000))[:-4]
        return f"{self._text}{millis:03d}Z"
