"""Which deployment a command speaks to: the platform on this machine, or one in an AWS region."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from infra.topology import Topology
from sdpctl.errors import CommandError
from sdpctl.settings import Settings

Region = Annotated[
    str | None,
    typer.Option(
        help="The deployment in this AWS region, with the environment's credentials. "
        "[default: the platform on this machine]"
    ),
]


def client(service: str, region: str | None, *, read_seconds: int = 60) -> Any:
    """A boto3 client of the deployment; boto3 is loaded only now.

    Raises CommandError if it is the platform on this machine and that does not run.
    """
    if region is None:
        from sdpctl.local import aws, running

        settings = Settings.load()
        running.require(settings)
        return aws.client(settings, service, read_seconds=read_seconds)
    import boto3
    from botocore.config import Config

    config = Config(read_timeout=read_seconds)
    return boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]


def output(name: str, region: str | None) -> str:
    """A CloudFormation output of the deployment; CommandError where it has none such."""
    from botocore.exceptions import BotoCoreError, ClientError

    settings = Settings.load()
    stage = f"{settings.prefix}-{region or settings.region}-"
    try:
        pages = client("cloudformation", region).get_paginator("describe_stacks").paginate()
        stacks = [s for page in pages for s in page["Stacks"] if s["StackName"].startswith(stage)]
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"the deployment does not answer: {error}") from error
    found = {o["OutputKey"]: str(o["OutputValue"]) for s in stacks for o in s.get("Outputs", ())}
    if name not in found:
        raise CommandError(f"the deployment has no {name}: run 'make up'")
    return found[name]


def topology() -> Topology:
    """The names of everything that is deployed."""
    import usecases

    return Topology(Settings.load().prefix, usecases.load())


@contextmanager
def errors() -> Iterator[None]:
    """What AWS says to a call, as a message for the user."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise CommandError(error.response["Error"].get("Message") or str(error)) from error
    except BotoCoreError as error:
        raise CommandError(str(error)) from error
