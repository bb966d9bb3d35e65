"""What the functions of the destinations share: messages of SQS in, those to deliver again out."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import orjson
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from glue.actions import DISPATCH, Dispatching
from glue.catalog import DEAD_LETTERS
from lambdas import latency
from lambdas.adapters import clock, kinesis
from lambdas.adapters.actions import DynamoActions
from lambdas.adapters.queues import SqsQueues
from lambdas.dispatch.delivering import Deliver, Received
from lambdas.dispatch.limits import Limits
from lambdas.ports.actions import Destination
from lambdas.settings import Settings

logger = Logger(service="dispatch")
metrics = Metrics()
Answer = dict[str, list[dict[str, str]]]


class Handler:
    """Returns the messages that their queue delivers again."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def __call__(self, event: dict[str, Any]) -> Answer:
        received = [_received(raw) for raw in event["Records"]]
        undone = self._deliver(received)
        logger.info("delivered", extra={"messages": len(received), "undone": len(undone)})
        return {"batchItemFailures": [{"itemIdentifier": one} for one in sorted(undone)]}


def _received(raw: dict[str, Any]) -> Received:
    body = orjson.loads(raw["body"])
    return Received(raw["messageId"], body["id"], body["attempt"])


def compose(settings: Settings, destination: Destination) -> Handler:
    """The parts of a destination's function."""
    use_case = settings.action("use_case")
    dispatching = Dispatching.parse(settings.parameters)
    return Handler(
        Deliver(
            use_case=use_case,
            destination=destination,
            store=DynamoActions(settings.table(use_case, DISPATCH)),
            queues=SqsQueues(settings.queues),
            letters=kinesis.KinesisStream(kinesis.client()),
            dead_letters=settings.stream(use_case, DEAD_LETTERS),
            clock=clock.now,
            limits=Limits.of(dispatching),
            retry_for=dispatching.duration("ActionRetryFor"),
            jitter=random.random,
            count=_count,
            latency=partial(latency.add, metrics),
        )
    )


def _count(what: str, number: int) -> None:
    metrics.add_metric(name=f"Actions{what}", unit=MetricUnit.Count, value=number)
