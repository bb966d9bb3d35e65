"""Offers straight from the generator: what the lake would hold, without a platform."""

from datetime import UTC, datetime

import usecases
from datagen import Generation, Settings
from usecases.shopping import generator

SHOPPING = usecases.load(("shopping",)).use_case("shopping")
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
CARRIED = ("segment", "age", "average_monthly_expenditures")


def offers(count, *, start=START):
    """The rows that follow from that many events, by time: a rule offers all shoppers something."""
    settings = Settings(events=count, start=start, rate=10.0, seed=3)
    generation = Generation(SHOPPING, generator, settings)
    events = list(generation)
    known = {e["card_id"]: e for e in events if e["type"] == "customer"}
    taken = {
        e["business_event_id"]: datetime.fromisoformat(e["occurred_at"])
        for e in events
        if e["type"] == "acceptance"
    }
    found = [
        {
            "business_event_id": row["id"],
            "kind": row["kind"],
            "action": "transfer",
            **{name: known[row["subject"]][name] for name in CARRIED},
            "balance": row["balance"],
            "score": 0.5,
            "accepted": row["id"] in taken,
            "offered_at": datetime.fromisoformat(row["occurred_at"]),
            "accepted_at": taken.get(row["id"]),
        }
        for row in generation.truth()["records"]["business-events"]
        if row["kind"] == "shopping"
    ]
    return sorted(found, key=lambda row: row["offered_at"])


def request(row):
    """The prediction request for an offer."""
    return {
        **{name: row[name] for name in ("kind", "action", "segment", "age", "balance")},
        "averageMonthlyExpenditures": row["average_monthly_expenditures"],
    }
