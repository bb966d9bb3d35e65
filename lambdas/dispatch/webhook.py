"""The Lambda entry point that posts actions to the webhook of one use case."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from glue.actions import Dispatching
from lambdas.adapters import clock
from lambdas.adapters.secrets import SigningKeys
from lambdas.adapters.webhooks import Webhook
from lambdas.dispatch.messages import Answer, Handler, compose, metrics
from lambdas.dispatch.signing import headers
from lambdas.ports.actions import Decision
from lambdas.settings import Settings, SettingsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def signed(keys: SigningKeys, action: Decision) -> dict[str, str]:
    """The headers of an attempt that is made now."""
    return headers(keys(), action.id, clock.now(), action.body)


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    url = Dispatching.parse(settings.parameters).webhook
    if url is None:
        raise SettingsError("SDP_PARAMETERS has no ActionWebhook")
    keys = SigningKeys(settings.action("secret"), clock.now)
    public = settings.action("addresses") == "public"
    return compose(settings, Webhook(url, partial(signed, keys), public=public))


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:
    """AWS Lambda's entry point."""
    return bootstrap()(event)
