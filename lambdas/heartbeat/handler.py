"""The Lambda entry point: each minute, a heartbeat to every open shard of each event stream."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

import usecases
from lambdas.adapters import clock, kinesis
from lambdas.heartbeat.beat import HeartbeatError, beat
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_kinesis import KinesisClient

logger = Logger()


@cache
def _client() -> KinesisClient:
    return kinesis.client()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Entry point. Returns the number of shards reached per stream."""
    settings = Settings.from_environment()
    names = [
        settings.stream(u.name, stream)
        for u in usecases.load(settings.use_cases).use_cases
        for stream in u.event_streams
    ]
    reached: dict[str, int] = {}
    errors: list[HeartbeatError] = []
    for name in names:
        try:
            shards = kinesis.open_shards(_client(), name)
            reached[name] = beat(kinesis.KinesisStream(_client()), name, shards, clock.now())
        except HeartbeatError as error:  # the other streams are not held up by this one
            errors.append(error)
    logger.info("heartbeat", extra={"shards": reached})
    if errors:
        raise ExceptionGroup("heartbeats failed", errors)
    return reached
