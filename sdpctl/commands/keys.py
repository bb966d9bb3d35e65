"""`./sdp keys`: a key per sender, with its own limits, metered and revocable separately."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import typer
from rich.table import Table

from sdpctl import clock, deployment
from sdpctl.answers import console
from sdpctl.keys import DEPLOYMENT, Api, Keys, Limits, Sender, check_name
from sdpctl.settings import Settings

Name = Annotated[
    str, typer.Argument(help="The sender, or `deployment` for the deployment's own key.")
]

keys = typer.Typer(no_args_is_help=True, help="API keys of senders.")


@keys.command("list")
@deployment.errors()
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show each sender's limits and requests; not the keys themselves."""
    senders = _keys(region).senders(clock.now().date())
    if as_json:
        typer.echo(json.dumps([sender.as_dict() for sender in senders], indent=2))
    else:
        console().print(_table(senders))


@keys.command()
@deployment.errors()
def create(
    name: Annotated[str, typer.Argument(help="The sender, like partner-a.")],
    api: Annotated[
        list[Api] | None,
        typer.Option(help="An API that it may call; may be repeated. [default: ingestion]"),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, help="Requests a second.")] = 100,
    burst: Annotated[int, typer.Option(min=1, max=5_000, help="Burst: requests at once.")] = 200,
    per_day: Annotated[
        int | None,
        typer.Option(min=1, max=2_000_000_000, help="Requests per day. [default: no limit]"),
    ] = None,
    region: deployment.Region = None,
) -> None:
    """Create a key and print it. `show` prints it again."""
    check_name(name)
    limits = Limits(rate, burst, per_day)
    typer.echo(_keys(region).create(name, [*dict.fromkeys(api or [Api.INGESTION])], limits))


@keys.command()
@deployment.errors()
def show(name: Name, region: deployment.Region = None) -> None:
    """Print a key."""
    typer.echo(_keys(region).value(name))


@keys.command()
@deployment.errors()
def revoke(name: Name, region: deployment.Region = None) -> None:
    """Refuse a key from now on. A sender's is deleted, the deployment's own is disabled."""
    _keys(region).revoke(name)
    undo = f"./sdp keys restore {DEPLOYMENT} accepts it again"
    hint = undo if name == DEPLOYMENT else "a new one: ./sdp keys create"
    typer.echo(f"{name}: revoked; takes effect within a minute; {hint}")


@keys.command()
@deployment.errors()
def restore(
    name: Annotated[Literal["deployment"], typer.Argument(help="Only the deployment's own key.")],
    region: deployment.Region = None,
) -> None:
    """Accept the deployment's own key again."""
    _keys(region).restore()
    typer.echo(f"{name}: restored")


def _keys(region: str | None) -> Keys:
    client = deployment.client("apigateway", region)
    return Keys(client, Settings.load().prefix, deployment.output("ApiKeyId", region))


def _table(senders: Sequence[Sender]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("name", "", "may call"):
        shown.add_column(title, overflow="fold")
    for title in ("a second", "at once", "a day", "requests today", "in 30 days"):
        shown.add_column(title, justify="right")
    for sender in senders:
        today = f"{sender.requests[-1]:,}" if sender.requests else ""
        shown.add_row(
            sender.name,
            "" if sender.enabled else "disabled",
            ", ".join(sender.apis),
            _number(sender.rate),
            _number(sender.burst),
            _number(sender.per_day),
            today,
            f"{sum(sender.requests):,}" if sender.requests else "",
        )
    return shown


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{int(value):,}" if value == int(value) else f"{value:,}"
