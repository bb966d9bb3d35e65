"""CloudFormation outputs as URLs that can be called on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from infra.parameter_outputs import parameters_in, topology_in
from infra.topology import Topology
from sdpctl.errors import CommandError
from sdpctl.local import aws, deploy, running
from sdpctl.settings import Settings

_OLD = "deployed by an earlier version; run 'make up'"
# Why there is no such output.
_MISSING = {
    "UrlForPredictions": "no use case has a model",
    "UrlForDefinitions": "no use case has definitions",
    "DefinitionsKey": "no use case has definitions",
    "UrlForMQTT": "no use case has topics",
    "UrlForDashboard": _OLD,
    "DashboardKey": _OLD,
}
_PAGE = re.compile(r"https://([a-z0-9]+)\.cloudfront\.net(/.*)?")
_API = re.compile(r"https://([a-z0-9]+)\.execute-api\.[^/]+/([^/]+)(/.*)?")


@dataclass(frozen=True)
class Outputs:
    """The platform's addresses and its API keys.

    `url_for_predictions` is None if no use case declares a model. `parameters`: as deployed, by
    name. `url_for_definitions` and `definitions_key` are None if no use case has definitions.
    `url_for_mqtt` is None if no use case has topics. `topology`: the deployed use cases, with the
    names of their resources. An older deployment has no `url_for_dashboard`.
    """

    url_for_api: str
    url_for_reports: str
    url_for_predictions: str | None
    api_key: str
    region: str
    topology: Topology
    parameters: Mapping[str, str] = field(default_factory=dict)
    url_for_definitions: str | None = None
    definitions_key: str | None = None
    url_for_mqtt: str | None = None
    url_for_dashboard: str | None = None
    dashboard_key: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """As a mapping with the names of the CloudFormation outputs."""
        return {
            "UrlForAPI": self.url_for_api,
            "UrlForReports": self.url_for_reports,
            "UrlForPredictions": self.url_for_predictions,
            "UrlForDefinitions": self.url_for_definitions,
            "UrlForMQTT": self.url_for_mqtt,
            "UrlForDashboard": self.url_for_dashboard,
            "ApiKey": self.api_key,
            "DefinitionsKey": self.definitions_key,
            "DashboardKey": self.dashboard_key,
            "Region": self.region,
            "UseCases": ",".join(u.name for u in self.topology.catalog.use_cases),
            **self.parameters,
        }

    def __str__(self) -> str:
        """Formatted for people, one per line."""
        shown = {name: value or f"none: {_MISSING[name]}" for name, value in self.as_dict().items()}
        return "\n".join(f"{name:18} {value}" for name, value in shown.items())


def read(settings: Settings | None = None) -> Outputs:
    """The outputs of the local deployment. Raises CommandError if there is none."""
    settings = settings or Settings.load()

    def key(which: str) -> str:
        try:
            answer = aws.client(settings, "apigateway").get_api_key(apiKey=which, includeValue=True)
        except (BotoCoreError, ClientError) as error:
            raise aws.unanswered(error) from error
        return str(answer["value"])

    return of(_raw(settings), key, settings)


def of(raw: Mapping[str, str], key: Callable[[str], str], settings: Settings) -> Outputs:
    """Built from the stacks' outputs; `key` returns an API key by id. Raises CommandError."""
    if {"UrlForAPI", "UrlForReports", "ApiKeyId"} - raw.keys():
        raise CommandError("the platform is not deployed; run 'make up'")
    predictions, topology = raw.get("UrlForPredictions"), topology_in(settings.prefix, raw)
    definitions, definitions_key = raw.get("UrlForDefinitions"), raw.get("DefinitionsKeyId")
    page, page_key = raw.get("UrlForDashboard"), raw.get("DashboardKeyId")
    return Outputs(
        url_for_api=local_url(settings, raw["UrlForAPI"]),
        url_for_reports=local_url(settings, raw["UrlForReports"]),
        url_for_predictions=predictions and local_url(settings, predictions),
        api_key=key(raw["ApiKeyId"]),
        region=settings.region,
        topology=topology,
        parameters=parameters_in(raw, topology.catalog),
        url_for_definitions=definitions and local_url(settings, definitions),
        definitions_key=definitions_key and key(definitions_key),
        url_for_mqtt=f"mqtt://127.0.0.1:{settings.mqtt_port}" if topology.messages else None,
        url_for_dashboard=page and local_url(settings, page),
        dashboard_key=page_key and key(page_key),
    )


def local_url(settings: Settings, url: str) -> str:
    """The emulator's address for a URL of an API Gateway stage, or of CloudFront.

    Other URLs are unchanged.
    """
    if page := _PAGE.match(url):
        return f"{settings.endpoint}/_cloudfront/{page[1]}{page[2] or ''}".rstrip("/")
    match = _API.match(url)
    if not match:
        return url.rstrip("/")
    api, stage, path = match.groups()
    local = f"{settings.endpoint}/restapis/{api}/{stage}/_user_request_"
    return f"{local}{path or ''}".rstrip("/")


def _raw(settings: Settings) -> dict[str, str]:
    running.require(settings)
    return deploy.outputs(settings)
