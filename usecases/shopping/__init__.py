"""Banking: card holders who spend towards an empty account, and sessions that are stuck."""

from pathlib import Path

from glue import Actions, UseCase
from glue.definitions import FEATURE, RULE, TEMPLATE, THRESHOLD, definitions
from usecases.shopping.events import Acceptance, Balance, Customer, PageView, Transaction
from usecases.shopping.features import ACCEPT
from usecases.shopping.parameters import PARAMETERS
from usecases.shopping.records import Action, BusinessEvent, Decision, Offer
from usecases.shopping.reports import Kind, Reaction

USE_CASE = UseCase(
    name="shopping",
    doc="Banking: card holders who spend towards an empty account, and sessions that are stuck.",
    folder=Path(__file__).parent,
    classes=(
        Transaction,
        Balance,
        Customer,
        PageView,
        Acceptance,
        BusinessEvent,
        Decision,
        Action,
        Offer,
        Kind,
        Reaction,
    ),
    model=ACCEPT,
    parameters=PARAMETERS,
    actions=Actions(Action),
    definitions=definitions(
        RULE,
        TEMPLATE,
        THRESHOLD,
        FEATURE,
        event=BusinessEvent,
        events={
            "shopping": ("balance", "count"),
            "stuck_in_form": ("customer_id",),
            "spending_anomaly": ("deviation",),
        },
        profile=Customer,
    ),
)
