"""`./sdp receiver`: a receiver of webhooks on this machine."""

from __future__ import annotations

import contextlib
from typing import Annotated

import orjson
import typer

from glue.instants import to_wire
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.receiver import Arrival, Receiver
from sdpctl.sql.rows import cell


def receiver(
    port: Annotated[int, typer.Option(min=1024, max=65_535, help="Listen here.")] = 8765,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Verify with this key. [default: that of the platform here]"),
    ] = None,
    status: Annotated[
        int, typer.Option(min=200, max=599, help="Answer this, to try what happens then.")
    ] = 204,
    use_case: Annotated[
        str | None,
        typer.Option("--use-case", help="Whose key. [default: the first one with actions]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per webhook.")] = False,
) -> None:
    """Receive webhooks on 127.0.0.1, verify each, and show what arrived, until it is stopped."""
    one = Receiver(key or _keys(use_case), _print if as_json else _show, status)
    try:
        server = one.server(port)
    except OSError as error:
        raise CommandError(f"--port {port}: {error.strerror}; choose another one") from error
    typer.echo(f"listening on http://127.0.0.1:{port}/ ; stop it with Ctrl-C", err=as_json)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _keys(use_case: str | None) -> list[str]:
    from sdpctl.commands.actions import dispatched  # imported late: they need boto3
    from sdpctl.dispatched import shown

    return [shown(dispatched(use_case, None).keys()["current"])]


def _print(arrival: Arrival) -> None:
    typer.echo(orjson.dumps({"received_at": to_wire(now()), **arrival._asdict()}))


def _show(arrival: Arrival) -> None:
    """One line for each."""
    time = f"{now():%H:%M:%S}"
    if arrival.refused:
        console().print(cell(f"{time}  refused: {arrival.refused}"))
        return
    action = arrival.action
    again = "  (again)" if arrival.repeated else ""
    texts = (action.get(name) or "" for name in ("customer_id", "kind", "title", "message"))
    console().print(cell("  ".join((time, *map(str, texts), f"{arrival.id}{again}"))))
