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


def client(service: str, region: str | None) -> Any:
    """A boto3 client of the deployment; boto3 is loaded only now."""
    if region is None:
        from sdpctl.local import aws

        return aws.client(Settings.load(), service)
    import boto3

    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


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
