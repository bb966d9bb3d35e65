"""What the pipeline writes."""

from datetime import datetime
from typing import Annotated

from glue import record


@record(key="subject", stream="business-events")
class BusinessEvent:
    """Something that a pattern found. Which fields it has beside the common ones is its kind's."""

    id: Annotated[str, "Kind, subject and the event that names it: the same at each computation."]
    kind: Annotated[str, "`shopping`, `stuck_in_form` or `spending_anomaly`."]
    subject: Annotated[str, "The card or the session."]
    occurred_at: Annotated[datetime, "When it happened, in event time."]
    balance: Annotated[float | None, "shopping: what is left after the last debit."] = None
    count: Annotated[int | None, "shopping: debits within the window."] = None
    deviation: Annotated[
        float | None, "spending_anomaly: how far off, in standard deviations of the card."
    ] = None
    customer_id: Annotated[
        str | None, "stuck_in_form: whose session it is, if a page of the attempt names one."
    ] = None
    causes: Annotated[str, "The ids of the events that made it, a JSON list."]
    trace_id: Annotated[str, "The id of the event that names it; follows it to its action."]


@record(key="subject", stream="decisions")
class Decision:
    """What was decided about a business event: one row for each."""

    id: Annotated[str, "That of the business event, which is decided once."]
    business_event_id: Annotated[str, "The business event."]
    kind: Annotated[str, "Its kind."]
    subject: Annotated[str, "Its subject: the card or the session."]
    customer_id: Annotated[
        str | None, "The customer of the profile, or else of the session; none without either."
    ] = None
    occurred_at: Annotated[datetime, "When the business event happened, in event time."]
    passed: Annotated[bool, "Whether a live rule was true."]
    rules: Annotated[
        str,
        "A JSON list with `name`, `version`, `mode`, `result` (`true`, `false` or `error`) and "
        "`reason` of each rule in force, and in `features` the version of each feature that it, or "
        "the template of its action, names.",
    ]
    score: Annotated[float | None, "The score of the best action; none if there was none."] = None
    model_version: Annotated[str | None, "The model of the score; none if it is the default."] = (
        None
    )
    action_id: Annotated[str | None, "The action that follows, if any."] = None
    profile_id: Annotated[str | None, "The event of the profile in force; none without one."] = None
    detail: Annotated[
        str | None, "What else decided: no profile, no model, a threshold, a template."
    ] = None
    trace_id: Annotated[str, "That of the business event."]


@record(key="subject", stream="actions")
class Action:
    """A message to a customer that is to be sent, once."""

    id: Annotated[str, "The business event and the rule: the same at each computation."]
    kind: Annotated[str, "The kind of the business event."]
    subject: Annotated[str, "Its subject."]
    customer_id: Annotated[str | None, "Who gets it."] = None
    time_zone: Annotated[str | None, "That of the profile; quiet hours are of this zone."] = None
    channel: Annotated[str, "How it is sent, from the template."]
    title: Annotated[str, "Its title, from the template."]
    message: Annotated[str, "Its text, from the template."]
    score: Annotated[float, "Its score."]
    rule: Annotated[str, "The rule that let the business event pass."]
    rule_version: Annotated[int, "The version of the rule."]
    template_version: Annotated[int, "The version of the template."]
    model_version: Annotated[str | None, "The model of the score; none if it is the default."] = (
        None
    )
    business_event_id: Annotated[str, "The business event."]
    occurred_at: Annotated[datetime, "When the business event happened, in event time."]
    trace_id: Annotated[str, "That of the business event."]


@record(key="business_event_id", stream="offers")
class Offer:
    """An action with what it was scored from, and whether it was taken. The training table."""

    business_event_id: Annotated[str, "The business event; it has no other action."]
    kind: Annotated[str, "Its kind."]
    action: Annotated[str, "The template of the action."]
    segment: Annotated[str | None, "Of the customer's profile."] = None
    age: Annotated[int | None, "Of the customer, in years."] = None
    balance: Annotated[float | None, "What was left on the card."] = None
    average_monthly_expenditures: Annotated[float | None, "Of the customer, in a month."] = None
    score: Annotated[float, "The score of the action."]
    model_version: Annotated[str | None, "The model of the score; none if it is the default."] = (
        None
    )
    offered_at: Annotated[datetime, "When the business event happened."]
    accepted: Annotated[bool, "The customer took it within AnswerWindow."]
    accepted_at: Annotated[datetime | None, "When the customer took it."] = None
