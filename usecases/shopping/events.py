"""What banks, shops and pages send."""

from typing import Annotated

from annotated_types import Ge, Interval, MaxLen, MinLen

from glue import event

STREAM = "activity"
CardId = Annotated[str, MinLen(1), MaxLen(128), "The card."]
# Balances are exact to ten-thousandths within these bounds.
Money = Interval(ge=-1e9, le=1e9)


@event(key="card_id", stream=STREAM)
class Transaction:
    """Something was paid with a card, or paid back."""

    card_id: CardId
    acc_num: Annotated[int, Ge(0), "The account; 0 is none, and is no part of any pattern."]
    amount: Annotated[float, Money, "What was paid; below zero it was paid back."]


@event(key="card_id", stream=STREAM)
class Balance:
    """What a card had at a time: the opening balance from then on."""

    card_id: CardId
    balance: Annotated[float, Money, "What there was to spend."]


@event(key="customer_id", stream=STREAM)
class Customer:
    """The profile of a customer from a time on."""

    customer_id: Annotated[str, MinLen(1), MaxLen(128), "The customer."]
    card_id: Annotated[str | None, MaxLen(128), "The customer's card."] = None
    acc_num: Annotated[int | None, Ge(0), "The account of the card."] = None
    age: Annotated[int | None, Interval(ge=0, le=150), "In years."] = None
    segment: Annotated[str | None, MaxLen(64), "Which kind of customer."] = None
    rating: Annotated[str | None, MaxLen(64), "Credit rating."] = None
    budget: Annotated[str | None, MaxLen(64), "Which class of budget."] = None
    credit_card: Annotated[str | None, MaxLen(64), "Which credit card the customer has."] = None
    average_monthly_expenditures: Annotated[
        float | None, Interval(ge=0.0, le=1e9), "What is spent in a month on average."
    ] = None
    address: Annotated[str | None, MaxLen(512), "Where the customer lives."] = None
    email: Annotated[str | None, MaxLen(256), "Mail address."] = None
    time_zone: Annotated[
        str | None, MaxLen(64), "IANA time zone, such as Europe/Berlin, for quiet hours."
    ] = None


@event(key="business_event_id", stream=STREAM)
class Acceptance:
    """A customer took what an action offered."""

    business_event_id: Annotated[
        str,
        MinLen(1),
        MaxLen(512),
        "The business event that the action is about; it has no other action.",
    ]


@event(key="session_id", stream=STREAM, type="page-view")
class PageView:
    """A page was looked at."""

    session_id: Annotated[str, MinLen(1), MaxLen(128), "The session."]
    page: Annotated[str, MinLen(1), MaxLen(256), "The page."]
    customer_id: Annotated[str | None, MaxLen(128), "Whose session it is."] = None
