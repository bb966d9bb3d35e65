"""`./sdp cost`: the monthly cost of a deployment at several loads, with its assumptions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Annotated, Any

import typer
from rich.table import Table

import usecases
from infra import costs
from infra.costs import Costs, Load
from infra.settings import Settings
from infra.topology import Topology
from sdpctl.answers import console
from sdpctl.errors import CommandError
from sdpctl.pairs import pairs
from sdpctl.settings import ROOT

LOADS = "0,100,10000"
_ALARMS = re.compile(r"with one use case there are (\d+)")


def cost(
    events: Annotated[str, typer.Option(help="Events per second, comma-separated.")] = LOADS,
    assume: Annotated[
        list[str] | None,
        typer.Option(help="An assumption, like event_bytes=500; may be repeated."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the deployment, like streamShards=10."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the monthly cost of a deployment and its assumptions. Calls nothing in AWS."""
    prices = costs.read_prices()
    results = estimates(events, assume or [], setting or [], prices["prices"])
    if as_json:
        typer.echo(json.dumps([_document(one) for one in results], indent=2))
        return
    console().print(_table(results))
    typer.echo(f"\n{prices['source']}; {prices['region']}, {prices['date']}, {prices['currency']}.")
    typer.echo(f"Compared on {prices['compared']}.")
    typer.echo(f"Prices change: compare them with {prices['list']} before you rely on the sums.")
    typer.echo("Assumed: " + _assumptions(results[-1].load))
    typer.echo("Change one with --assume NAME=VALUE, a parameter with --set NAME=VALUE.")


def estimates(
    events: str, assumed: Sequence[str], settings: Sequence[str], prices: dict[str, float]
) -> list[Costs]:
    """An estimate per load. Raises CommandError for an invalid value."""
    chosen = Settings.parse(pairs("--set", settings))
    catalog = usecases.load(chosen.use_cases)
    base, topology = _load(assumed), Topology(chosen.prefix, catalog, chosen.applications)
    return [Costs(topology, chosen, _at(base, rate), alarms(), prices) for rate in _rates(events)]


def _at(base: Load, events: float) -> Load:
    """An idle deployment has no readers either."""
    return replace(base, events=events) if events else replace(base, events=0, reports=0, scans=0)


def alarms() -> int:
    """The number of alarms of a deployment, from docs/alarms.md; a test keeps that correct."""
    match = _ALARMS.search((ROOT / "docs/alarms.md").read_text("utf-8"))
    if not match:
        raise CommandError("docs/alarms.md does not contain the number of alarms")
    return int(match[1])


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 <= rate <= 1_000_000 for rate in rates):
        raise CommandError(f"--events {text}: must be numbers from 0 to 1000000, like {LOADS}")
    return rates


def _load(assumed: Sequence[str]) -> Load:
    kinds: dict[str, Any] = {f.name: type(f.default) for f in fields(Load) if f.name != "events"}
    values: dict[str, Any] = {}
    for name, text in pairs("--assume", assumed).items():
        if name not in kinds:
            raise CommandError(f"--assume {name}: unknown; assumptions: {', '.join(kinds)}")
        try:
            values[name] = kinds[name](text)
        except ValueError:
            raise CommandError(f"--assume {name}={text}: must be a number") from None
        if not 0 < values[name] < 10**9:
            raise CommandError(f"--assume {name}={text}: must be above 0 and below a billion")
    return Load(0, **values)


def _assumptions(load: Load) -> str:
    named = ((f.name, getattr(load, f.name)) for f in fields(Load) if f.name != "events")
    return ", ".join(f"{name}={value:g}" for name, value in named)


def _document(costs: Costs) -> dict[str, Any]:
    services = {line.service: round(line.dollars, 2) for line in costs.lines()}
    return {
        "events_per_second": costs.load.events,
        "services": services,
        "total": round(costs.total, 2),
        "kpus": costs.kpus,
        "shards": {s.name: costs.shards(s) for s in costs.streams},
    }


def _table(costs: Sequence[Costs]) -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("dollars a month")
    for one in costs:
        title = f"{one.load.events:,.0f} events/s" if one.load.events else "idle"
        shown.add_column(title, justify="right")
    shown.add_column("for")
    for row in zip(*(one.lines() for one in costs), strict=True):
        shown.add_row(row[0].service, *(f"{line.dollars:,.0f}" for line in row), row[0].what)
    shown.add_row("total", *(f"{one.total:,.0f}" for one in costs), "", style="bold")
    for name, amounts in (
        ("KPUs", [one.kpus for one in costs]),
        ("shards", [sum(map(one.shards, one.streams)) for one in costs]),
    ):
        shown.add_row(name, *(f"{amount:,}" for amount in amounts), "the configured, or needed")
    return shown
