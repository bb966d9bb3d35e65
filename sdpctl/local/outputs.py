"""CloudFormation outputs as URLs that can be called on this machine as they are."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local import aws
from sdpctl.settings import Settings

_API = re.compile(r"https://([a-z0-9]+)\.execute-api\.[^/]+/([^/]+)/?")


def outputs(settings: Settings) -> dict[str, str]:
    """UrlFor… of each API, ApiKey and Region; raises CommandError if nothing is deployed."""
    raw = _raw(settings)
    if "ApiKeyId" not in raw:
        raise CommandError("the platform is not deployed: run 'make up'")
    urls = {k: local_url(settings, v) for k, v in sorted(raw.items()) if k.startswith("UrlFor")}
    key = aws.client(settings, "apigateway").get_api_key(apiKey=raw["ApiKeyId"], includeValue=True)
    return {**urls, "ApiKey": key["value"], "Region": settings.region}


def local_url(settings: Settings, url: str) -> str:
    """The emulator's address of an API Gateway stage; other URLs stay."""
    found = _API.match(url)
    if not found:
        return url.rstrip("/")
    api, stage = found.groups()
    return f"{settings.endpoint}/restapis/{api}/{stage}/_user_request_"


def _raw(settings: Settings) -> dict[str, str]:
    try:
        stacks = aws.client(settings, "cloudformation").describe_stacks()["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise CommandError("the emulator does not answer: run 'make up'") from error
    ours: list[dict[str, Any]] = [s for s in stacks if s["StackName"].startswith(settings.stage)]
    return {o["OutputKey"]: o["OutputValue"] for s in ours for o in s.get("Outputs", [])}
