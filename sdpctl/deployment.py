"""Which deployment a command uses: the platform on this machine, or one in an AWS region."""

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
    """A boto3 client of the deployment; imports boto3 late.

    Raises CommandError if the platform on this machine does not run.
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
    """A CloudFormation output of the deployment. Raises CommandError if it is missing."""
    settings = Settings.load()
    stage = f"{settings.prefix}-{region or settings.region}-"
    with errors():
        pages = client("cloudformation", region).get_paginator("describe_stacks").paginate()
        stacks = [s for page in pages for s in page["Stacks"] if s["StackName"].startswith(stage)]
    values = {o["OutputKey"]: str(o["OutputValue"]) for s in stacks for o in s.get("Outputs", ())}
    if name not in values:
        raise CommandError(f"the deployment has no {name}: run 'make up'")
    return values[name]


def topology() -> Topology:
    """The names of all deployed resources."""
    import usecases

    return Topology(Settings.load().prefix, usecases.load())


@contextmanager
def errors() -> Iterator[None]:
    """Turns an error of AWS, or a missing response, into a message for the user."""
    from botocore.exceptions import BotoCoreError, ClientError

    from sdpctl.local import aws

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise aws.unanswered(error) from error
