"""Which deployment a command uses: the platform on this machine, or one in an AWS region."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from glue import UseCase
from infra.parameter_outputs import topology_in
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

UseCaseName = Annotated[
    str | None,
    typer.Option("--use-case", help="The use case. [default: the first deployed one]"),
]
AnyUseCase = Annotated[
    str | None,
    typer.Option("--use-case", help="Only this use case. [default: each deployed one]"),
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


def outputs(region: str | None) -> dict[str, str]:
    """The CloudFormation outputs of the deployment; empty if there is none."""
    settings = Settings.load()
    stage = f"{settings.prefix}-{region or settings.region}-"
    with errors():
        pages = client("cloudformation", region).get_paginator("describe_stacks").paginate()
        stacks = [s for page in pages for s in page["Stacks"] if s["StackName"].startswith(stage)]
    return {o["OutputKey"]: str(o["OutputValue"]) for s in stacks for o in s.get("Outputs", ())}


def output(name: str, region: str | None) -> str:
    """A CloudFormation output of the deployment. Raises CommandError if it is missing."""
    values = outputs(region)
    if name not in values:
        raise CommandError(f"the deployment has no {name}: run 'make up'")
    return values[name]


def topology(region: str | None = None) -> Topology:
    """The names of all deployed resources. Raises CommandError if nothing is deployed."""
    deployed = outputs(region)
    if not deployed:
        raise CommandError("the platform is not deployed: run 'make up'")
    return topology_in(Settings.load().prefix, deployed)


def use_case(topology: Topology, name: str | None) -> UseCase:
    """The use case of that name, by default the first. Raises CommandError with the choices."""
    deployed = {u.name: u for u in topology.catalog.use_cases}
    if name is None:
        return next(iter(deployed.values()))
    if name not in deployed:
        raise CommandError(f"--use-case {name}: not deployed; use cases: {', '.join(deployed)}")
    return deployed[name]


def use_cases(topology: Topology, name: str | None) -> tuple[UseCase, ...]:
    """The use case of that name, by default each. Raises CommandError with the choices."""
    return topology.catalog.use_cases if name is None else (use_case(topology, name),)


@contextmanager
def errors() -> Iterator[None]:
    """Turns an error of AWS, or a missing response, into a message for the user."""
    from botocore.exceptions import BotoCoreError, ClientError

    from sdpctl.local import aws

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise aws.unanswered(error) from error
