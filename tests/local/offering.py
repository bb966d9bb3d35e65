"""A shopper who is offered something and takes it, and the model that scores the offer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from glue.instants import from_millis, parse, to_millis, to_wire
from lambdas.model_names import version_of
from sdpctl.settings import ROOT, Settings
from tests.local import shoppers
from tests.local.commands import bash, sdp
from tests.local.driver import Driver, Event, wait_until
from tests.local.evolving import Whole, outputs_of
from tests.local.modelling import Modelling, place_of
from tests.local.parameters import PARAMETERS, text
from tests.unit.ml.offers import offers
from usecases.shopping import demonstration

START = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS = 70_000  # one in ten is an offer; the gate wants a thousand of the newest fifth
TEMPLATE = "transfer"  # of the rows, too
OWN = {n: shoppers.PARAMETERS[n] for n in ("shopping.AnswerWindow", "shopping.DefinitionsLead")}
Row = dict[str, Any]


@dataclass(frozen=True)
class Offering:
    """The model of offers on a running platform, with rows to learn from.

    `rows` are in the lake: by time, from START until `until`.
    """

    settings: Settings
    platform: Whole
    modelling: Modelling
    driver: Driver
    rows: list[Row]
    until: datetime

    def sdp(self, *arguments: str) -> str:
        """What a command prints."""
        done = sdp(self.settings, *arguments, "--use-case", "shopping", tree=self.platform.tree)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str) -> Row:
        """What a run of the workflow over these rows ends with; the command with its arguments."""
        window = ("--from", to_wire(START), "--to", to_wire(self.until))
        ended: Row = json.loads(self.sdp(*arguments, *window, "--wait"))
        return ended | {"version": version_of(ended["execution"].rpartition(":")[2])}

    def score(self, customer: Row, balance: float) -> tuple[str, float]:
        """The version and the score of the endpoint for an offer to a customer with that left."""
        expenditures = customer["average_monthly_expenditures"]
        instance = {
            **{"kind": "shopping", "action": TEMPLATE, "balance": balance},
            **{name: customer[name] for name in ("segment", "age")},
            "averageMonthlyExpenditures": expenditures,
        }
        answer = self.modelling.ask(instance).json()
        assert answer["served_by"] == "endpoint", answer
        (prediction,) = answer["predictions"]
        return answer["model_version"], prediction["score"]

    def decided(self, customer: Row) -> Row:
        """What is decided about a customer who spends from 100 to 50, with an offer in any case.

        Rule and template are valid after all that was put before, a new champion too.
        """
        name = f"taker-{uuid4()}"
        card = f"card-{name}"
        document = {"kind_of_event": "shopping", "channel": "push", "title": "t", "message": "m"}
        self._put("template", TEMPLATE, document)
        rule = {"kind_of_event": "shopping", "expression": f"event.subject == '{card}'"}
        valid = self._put("rule", "taker", {**rule, "action": TEMPLATE})
        at = from_millis(valid) + timedelta(milliseconds=10)
        events = _spent(at, {**customer, "customer_id": name, "card_id": card})
        self.driver.send([*events, *demonstration.others(at, name)])
        return self.row("decisions", lambda r: r["subject"] == card)

    def taken(self, decided: Row) -> Row:
        """The row to learn from, of an offer that is accepted right after it was made."""
        id_, name = decided["business_event_id"], decided["customer_id"]
        at = parse(decided["occurred_at"]) + timedelta(seconds=7)
        event = {"type": "acceptance", "event_id": f"{name}-taken", "occurred_at": to_wire(at)}
        self.driver.send([event | {"business_event_id": id_}])
        over = at + shoppers.ANSWER + timedelta(seconds=20)
        self.driver.send(demonstration.others(over, f"{name}-later"))
        return self.row("offers", lambda r: r["business_event_id"] == id_)

    def row(self, stream: str, is_wanted: Callable[[Row], bool]) -> Row:
        """The first such record of a stream, once it is there."""
        found: list[Row] = []

        def look() -> bool:
            found[:] = filter(is_wanted, self.driver.records(stream))
            return bool(found)

        wait_until(look, 240, lambda: f"{stream}: no such record")
        return found[0]

    def _put(self, kind: str, name: str, document: Row) -> int:
        """A new version of a definition; since when it is valid, epoch ms."""
        path = f"shopping/{kind}/{name}"
        version = self.platform.definitions("PUT", path, 201, json=document)
        return to_millis(parse(version["valid_from"]))


@pytest.fixture(scope="session")
def banking(settings: Settings) -> Whole:
    """The platform with shopping, deployed beside the ad auctions if it is not there."""
    found = outputs_of(settings, ROOT)
    if found is None or "shopping" not in found["UseCases"].split(","):
        given = {"USE_CASES": "adtech shopping", "PARAMETERS": text(PARAMETERS | OWN)}
        bash("make up", folder=ROOT, environment=settings.aws_environment() | given, seconds=900)
        found = outputs_of(settings, ROOT)
    assert found is not None
    return Whole(ROOT, found)


@pytest.fixture(scope="session")
def offering(banking: Whole, settings: Settings) -> Offering:
    """Rows are in the lake; whether a model is in service is the tests' own matter."""
    url, key = (banking.outputs[name] for name in ("UrlForPredictions", "ApiKey"))
    modelling = Modelling(
        place_of(settings, "shopping"),
        f"{url}/shopping",
        key,
        "offers",
        "offered_at",
        {"model_version": None},
    )
    rows = offers(EVENTS, start=START)
    modelling.fill(rows, "offers")
    until = rows[-1]["offered_at"] + timedelta(seconds=1)
    driver = banking.driver(settings, "shopping")
    return Offering(settings, banking, modelling, driver, rows, until)


def _spent(at: datetime, customer: Row) -> list[Event]:
    """Five debits of 10, the last of them at `at`, of a card with 100 on it."""
    name, card = customer["customer_id"], {"card_id": customer["card_id"]}
    fields: list[tuple[str, Row]] = [
        ("customer", customer),
        ("balance", {"balance": 100.0}),
        *[("transaction", {"acc_num": 1, "amount": 10.0})] * 5,
    ]
    first = at - timedelta(milliseconds=len(fields) - 1)
    return [
        {"type": kind, "event_id": f"{name}-{n}", "occurred_at": to_wire(moment), **card, **own}
        for n, (kind, own) in enumerate(fields)
        for moment in [first + timedelta(milliseconds=n)]
    ]
