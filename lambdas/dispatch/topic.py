"""The Lambda entry point that publishes actions of one use case to a topic."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from lambdas.adapters.topics import Topic
from lambdas.dispatch.messages import Answer, Handler, compose, metrics
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    return compose(settings, Topic(settings.action("topic")))


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:
    """AWS Lambda's entry point."""
    return bootstrap()(event)
