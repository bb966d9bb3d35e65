"""Where the platform's APIs are: the options of a command, else what was deployed."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

ApiKey = Annotated[
    str | None, typer.Option(envvar="SDP_API_KEY", help="Use this API key.", show_envvar=True)
]


def connect(
    which: Literal["url_for_api", "url_for_reports", "url_for_predictions"],
    url: str | None,
    api_key: str | None,
) -> tuple[str, str]:
    """URL without a slash at its end, and API key; the deployment is asked only if needed."""
    if url and api_key:
        return url.rstrip("/"), api_key
    from sdpctl.outputs import read  # only now: reading a deployment needs boto3

    found = read()
    return (url or getattr(found, which)).rstrip("/"), api_key or found.api_key
