"""`./sdp actions`: what was sent to whom, what was not and why, and sending it again."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from glue import instants
from glue.parameters import parse_duration
from infra.topology import Dispatch, Topology
from lambdas.ports.actions import Decision, Outcome, Status
from sdpctl import deployment
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.dispatched import Dispatched, shown, to_resend
from sdpctl.errors import CommandError
from sdpctl.sql.rows import cell

DAYS = 400
STATUSES = (*(o.value for o in Outcome if o is not Outcome.DUE), *(s.value for s in Status))
Id = Annotated[str, typer.Argument(metavar="ID", help="The action's id.")]
UseCaseName = Annotated[
    str | None,
    typer.Option("--use-case", help="The use case. [default: the first one with actions]"),
]
Days = Annotated[int, typer.Option(min=1, max=DAYS, help="Decided within this many days.")]
Customer = Annotated[str | None, typer.Option(help="Only of this customer.")]

actions = typer.Typer(invoke_without_command=True)


@actions.callback()
@deployment.errors()
def list_(
    context: typer.Context,
    customer: Customer = None,
    status: Annotated[
        str | None, typer.Option(help=f"Only with this status: {', '.join(STATUSES)}.")
    ] = None,
    days: Days = 7,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One object per line.")] = False,
    use_case: UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """List actions, newest first, with their status at each destination."""
    if context.invoked_subcommand:
        return
    if status is not None and status not in STATUSES:
        raise CommandError(f"--status {status!r}: unknown; choose from {', '.join(STATUSES)}")
    time = now()
    found = dispatched(use_case, region).newest(customer, time - timedelta(days=days), time)
    selected = (action for action in found if status is None or status in statuses(action))
    newest = list(islice(selected, limit))
    if as_json:
        for action in newest:
            typer.echo(orjson.dumps(document(action)))
    else:
        console().print(_table(newest))


@actions.command()
@deployment.errors()
def show(id_: Id, use_case: UseCaseName = None, region: deployment.Region = None) -> None:
    """Show an action: what was decided, each destination, and the body that receivers get."""
    typer.echo(json.dumps(document(dispatched(use_case, region).action(id_)), indent=2))


@actions.command()
@deployment.errors()
def resend(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Only these actions.")
    ] = None,
    destination: Annotated[
        str | None, typer.Option(help="Only to this one: webhook, bus or topic.")
    ] = None,
    customer: Customer = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Also those that wait for their next attempt.")
    ] = False,
    days: Days = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show them.")] = False,
    use_case: UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Send dead actions again, with the same id and body: receivers know what they have."""
    deployed, time = dispatched(use_case, region), now()
    if ids:
        found = [deployed.action(id_) for id_ in ids]
    else:
        found = list(deployed.newest(customer, time - timedelta(days=days), time))
    sent = 0
    for action in found:
        for name in to_resend(action, destination, pending=pending):
            if dry_run or deployed.resend(action, name, time):
                typer.echo(f"{name}  {action.id}")
                sent += 1
    typer.echo(f"{sent} {'would be' if dry_run else ''} sent again".replace("  ", " "))


@actions.command()
@deployment.errors()
def enable(use_case: UseCaseName = None, region: deployment.Region = None) -> None:
    """Send to the webhook again after it answered 410; `resend` then sends what is dead."""
    enabled = dispatched(use_case, region).enable()
    typer.echo("the webhook is enabled" if enabled else "the webhook was not disabled")


@actions.command()
@deployment.errors()
def key(use_case: UseCaseName = None, region: deployment.Region = None) -> None:
    """Print the key that signs webhooks, as receivers' libraries take it."""
    typer.echo(shown(dispatched(use_case, region).keys()["current"]))


@actions.command()
@deployment.errors()
def rotate(
    overlap: Annotated[
        str, typer.Option(help="How long both keys sign, as an ISO 8601 duration.")
    ] = "PT24H",
    use_case: UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Sign with a new key and print it; the former one signs too until the overlap has passed."""
    try:
        length = parse_duration(overlap)
    except ValueError as error:
        raise CommandError(f"--overlap: {error}") from error
    typer.echo(dispatched(use_case, region).rotate(length, now()))


def dispatched(use_case: str | None, region: str | None) -> Dispatched:
    """The actions of a deployed use case. Raises CommandError if it has none."""
    dispatch = chosen(deployment.topology(region), use_case)
    clients = (deployment.client(name, region) for name in ("dynamodb", "sqs", "secretsmanager"))
    return Dispatched(dispatch, *clients)


def chosen(topology: Topology, use_case: str | None) -> Dispatch:
    """The dispatch of a use case, by default the first. Raises CommandError with the choices."""
    found = {d.use_case: d for d in topology.dispatches}
    if not found:
        raise CommandError("no deployed use case has actions")
    if use_case is not None and use_case not in found:
        raise CommandError(
            f"--use-case {use_case}: has no actions; with actions: {', '.join(found)}"
        )
    return found[use_case or next(iter(found))]


def statuses(action: Decision) -> set[str]:
    """The status of an action at each destination, or why it is sent to none."""
    if action.outcome is not Outcome.DUE:
        return {str(action.outcome)}
    return {str(state.status) for state in action.states.values()}


def document(action: Decision) -> dict[str, Any]:
    """An action as JSON."""
    return {
        "id": action.id,
        "kind": action.kind,
        "channel": action.channel,
        "customer": action.customer,
        "outcome": str(action.outcome),
        "occurred_at": instants.to_wire(action.occurred_at),
        "decided_at": instants.to_wire(action.decided_at),
        "due_at": instants.to_wire(action.due_at),
        "destinations": {
            name: {
                "status": str(state.status),
                "attempts": state.attempt,
                "at": state.at and instants.to_wire(state.at),
                "error": state.error or None,
            }
            for name, state in sorted(action.states.items())
        },
        "body": orjson.loads(action.body),
    }


def _table(found: list[Decision]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("decided at", "customer", "kind", "channel", "message", "status", "id"):
        table.add_column(title, overflow="fold")
    for action in found:
        message = orjson.loads(action.body)["data"].get("message") or ""
        cells = (instants.to_wire(action.decided_at), action.customer, action.kind, action.channel)
        table.add_row(*map(cell, (*cells, message, _status(action), action.id)))
    return table


def _status(action: Decision) -> str:
    """One line per destination; what failed has its last error."""
    if action.outcome is not Outcome.DUE:
        return str(action.outcome)
    lines = []
    for name, state in sorted(action.states.items()):
        error = f": {state.error}" if state.error else ""
        lines.append(f"{name} {state.status}{error}")
    return "\n".join(lines) or "no destination"
