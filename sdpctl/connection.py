"""The address and key of an API: from a command's options, or from the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sdpctl.errors import CommandError

if TYPE_CHECKING:
    from glue import UseCase
    from glue.mqtt import Mqtt
    from sdpctl.local.outputs import Outputs

Api = Literal[
    "url_for_api", "url_for_reports", "url_for_predictions", "url_for_definitions", "url_for_mqtt"
]
# What a use case declares, where there is such an address.
_MISSING = {"url_for_definitions": "definitions", "url_for_mqtt": "MQTT topics"}
ApiKey = Annotated[
    str | None, typer.Option(envvar="SDP_API_KEY", help="Use this API key.", show_envvar=True)
]


def connect(
    which: Api,
    url: str | None,
    api_key: str | None,
) -> tuple[str, str]:
    """URL without a trailing slash, and API key; the deployment is read only if needed.

    Raises CommandError if there is no deployment, or no such API in it.
    """
    if url and api_key:
        return url.rstrip("/"), api_key
    from sdpctl.local.outputs import read  # imported late: reading a deployment needs boto3

    current = read()
    key = current.definitions_key if which == "url_for_definitions" else current.api_key
    return base(current, which, url).rstrip("/"), api_key or key or ""


def choose(use_case: str, *, deployed: bool) -> UseCase:
    """The use case of that name: a deployed one, or, for another URL, any of the catalog.

    Raises CommandError with the choices.
    """
    import usecases
    from infra.topology import Topology
    from sdpctl import deployment  # imported late, as above

    catalog = Topology("", usecases.load())
    return deployment.use_case(deployment.topology() if deployed else catalog, use_case)


def topics(*, deployed: bool) -> dict[str, Mqtt]:
    """The topics of each type of event, aliases included: of the deployment, or of the catalog."""
    import usecases
    from sdpctl import deployment  # imported late, as above

    catalog = deployment.topology().catalog if deployed else usecases.load()
    declared = [use_case.mqtt for use_case in catalog.use_cases if use_case.mqtt]
    return {name: m for m in declared for name in (m.schema.type, *m.schema.aliases)}


def base(current: Outputs, which: Api, url: str | None) -> str:
    """The URL of the option, or the deployment's."""
    deployed: str | None = url or getattr(current, which)
    if deployed is None:
        raise CommandError(f"no deployed use case has {_MISSING.get(which, 'a model')}")
    return deployed
