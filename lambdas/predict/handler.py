"""The Lambda entry point: composes the API from real parts on the first call."""

from __future__ import annotations

import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import usecases
from lambdas.adapters.endpoint import SageMakerEndpoint
from lambdas.adapters.objects import BucketObjects, client
from lambdas.http.gateway import Respond, behind_gateway
from lambdas.lakestore.objects import content
from lambdas.model_names import Names
from lambdas.model_settings import ModelSettings
from lambdas.predict.answering import ENDPOINT, Breaker, Champions, Predictor
from lambdas.predict.app import create_app
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="predict")
metrics = Metrics()


@cache
def _composed() -> Respond:
    settings = ModelSettings.from_environment()
    deployment = Settings.from_environment()
    catalog = usecases.load(deployment.use_cases)
    catalog = catalog.within(catalog.configured(deployment.parameters))
    objects = BucketObjects(
        client(connect_seconds=2, read_seconds=20, attempts=4), settings.text("bucket")
    )
    endpoint = SageMakerEndpoint(read_timeout=settings.number("endpoint_seconds"))
    predictors = {
        name: _predictor(Names(settings.text("prefix"), name, ""), objects, endpoint)
        for name in settings.texts("use_cases")
    }
    return behind_gateway(create_app(catalog, predictors, _count))


def _predictor(names: Names, objects: BucketObjects, endpoint: SageMakerEndpoint) -> Predictor:
    champions = Champions(partial(content, objects), names.champion, time.monotonic)
    breaker = Breaker(time.monotonic)
    return Predictor(names.endpoint, endpoint, champions, breaker, _report)


def _report(reason: str) -> None:
    logger.warning("answered by the fallback", extra={"reason": reason})


def _count(served_by: str) -> None:
    metrics.add_metric(name="Predictions", unit=MetricUnit.Count, value=1)
    metrics.add_metric(
        name="Fallbacks", unit=MetricUnit.Count, value=0 if served_by == ENDPOINT else 1
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    return _composed()(event, context)
