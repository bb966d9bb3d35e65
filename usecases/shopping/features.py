"""What the chance is predicted from that a customer takes an offer: what its decision knew."""

from features.definition import Hashed, Input, Log, Numeric
from glue.models import model
from usecases.shopping.events import Customer
from usecases.shopping.records import BusinessEvent, Offer

ACCEPT = model(
    name="accept",
    doc="The probability that a customer takes an offer.",
    record=Offer,
    event=BusinessEvent,
    profile=Customer,
    time="offered_at",
    label="accepted",
    segment="segment",
    inputs=(
        Input("kind", request="kind"),
        Input("action", request="action"),
        Input("segment", request="segment"),
        Input("age", request="age"),
        Input("balance", request="balance"),
        Input("average_monthly_expenditures", request="averageMonthlyExpenditures"),
    ),
    features=(
        Hashed("kind", buckets=64),
        Hashed("action", buckets=256),
        Hashed("segment", buckets=256),
        Numeric("age"),
        Numeric("balance"),
        Log("average_monthly_expenditures"),
    ),
)
