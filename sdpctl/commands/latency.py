"""`./sdp latency`: how long each stage takes, from an event to the action that it leads to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from infra.topology import Kind
from sdpctl import chain, deployment
from sdpctl import latency as measuring
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.commands.actions import chosen, dispatched
from sdpctl.latency import PERCENTILES, STAGES, Reported, Stage


@deployment.errors()
def latency(
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="Of the last minutes.")] = 10,
    use_case: Annotated[
        str | None,
        typer.Option("--use-case", help="The use case. [default: the first one with actions]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show how long each stage takes, from an event to the delivery of its action: percentiles.

    It reads the streams of the last minutes; only events that have become business events count.
    The stages kinesis and score are the newest values of metrics of these minutes.
    """
    time = now()
    start = time - timedelta(minutes=minutes)
    topology = deployment.topology(region)
    name = chosen(topology, use_case).use_case
    events = [s.name for s in topology.streams if s.use_case == name and s.kind is Kind.EVENTS]
    records = measuring.read(
        deployment.client("kinesis", region),
        events,
        chain.stream_names(topology, deployment.use_case(topology, name)),
        dispatched(name, region).newest(None, start, time),
        start,
    )
    client = deployment.client("cloudwatch", region)
    by_name: dict[str, Stage | Reported] = {
        **{stage.name: stage for stage in measuring.stages(records)},
        **measuring.reported(client, topology.application(name), events, start, time),
    }
    found = [by_name[stage] for stage in STAGES]
    if as_json:
        rows = [measuring.to_json(stage) for stage in found]
        typer.echo(json.dumps({"use_case": name, "stages": rows}, indent=2))
    else:
        console().print(_table(found))


def _table(found: Sequence[Stage | Reported]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "count", *(f"p{share} ms" for share in PERCENTILES), "max ms", "from"):
        table.add_column(title, justify="left" if title in ("stage", "from") else "right")
    for stage in found:
        values = [stage.percentile(share) for share in PERCENTILES]
        count = "" if stage.count is None else str(stage.count)
        cells = map(_milliseconds, (*values, stage.most))
        table.add_row(stage.name, count, *cells, STAGES[stage.name])
    return table


def _milliseconds(value: float | None) -> str:
    """Whole ones; what is shorter than ten is shown to the microsecond."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.3f}"
