"""Where the platform's APIs are: the options of a command, else what was deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sdpctl.errors import CommandError

if TYPE_CHECKING:
    from sdpctl.outputs import Outputs

Api = Literal["url_for_api", "url_for_reports", "url_for_predictions"]
ApiKey = Annotated[
    str | None, typer.Option(envvar="SDP_API_KEY", help="Use this API key.", show_envvar=True)
]


def connect(
    which: Api,
    url: str | None,
    api_key: str | None,
) -> tuple[str, str]:
    """URL without a slash at its end, and API key; the deployment is asked only if needed.

    Raises CommandError where there is no deployment, or no such API in it.
    """
    if url and api_key:
        return url.rstrip("/"), api_key
    from sdpctl.outputs import read  # only now: reading a deployment needs boto3

    found = read()
    return base(found, which, url).rstrip("/"), api_key or found.api_key


def base(found: Outputs, which: Api, url: str | None) -> str:
    """The URL that is given, else the deployment's."""
    deployed: str | None = url or getattr(found, which)
    if deployed is None:
        raise CommandError("no use case that is deployed has a model")
    return deployed
