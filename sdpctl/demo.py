"""`make demo`: generated events through the public API, then a report that equals the truth.

At its end it shows the chain of one customer, if a use case with `demonstration.py` is deployed:
the business event, its decision and the message as a receiver of webhooks got it. If one with
`live.py` is deployed, its events go on for a while, so that the page has what moves.

Where events may be late by no more than WatermarkDelay, they are dated ahead and sent in order.
What is to come after them, as a session that is stuck half an hour later, is shown and not waited
for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from datagen import Generation, combined
from datagen import Settings as Shape
from glue import Schema, UseCase, instants
from glue.parameters import Role
from sdpctl import demo_chain, demo_live, demo_receiver
from sdpctl.chain import message
from sdpctl.clock import now, pause
from sdpctl.commands.generate import generator_of, write
from sdpctl.commands.report import table
from sdpctl.commands.send import send
from sdpctl.errors import CommandError
from sdpctl.local import outputs, platform
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings

TIMEOUT = 180.0
RATE = 1000.0  # events per second of event time
# How far ahead of the clock events begin that must not be late: until all are sent, at the least
# that a slow machine sends in a second. They end within the five minutes that the door takes.
LEAD, SENT, FARTHEST = timedelta(seconds=30), 400, timedelta(seconds=240)
Rows = dict[str, dict[str, Any]]  # the key's measures


@dataclass(frozen=True)
class Expected:
    """What a report must show when event time has passed the last event, and what comes after.

    `later` is by key what is added then, and the end of the last period with any of it.
    """

    rows: Rows
    later: dict[str, tuple[dict[str, Any], datetime]]

    @classmethod
    def of(cls, report: Schema, truth: dict[str, Any]) -> Expected:
        """From the truth's rows of each period."""
        end = instants.parse(truth["end"])
        in_time: dict[str, list[dict[str, Any]]] = {}
        later: dict[str, list[dict[str, Any]]] = {}
        for row in sorted(truth["periods"][report.path], key=lambda r: int(r[report.period])):
            held = in_time if instants.parse(row["period_start"]) <= end else later
            held.setdefault(str(row[report.key]), []).append(row)
        totals = {k: combined(report, [row]) for k, row in truth["reports"][report.path].items()}
        rows = {k: combined(report, v) if k in later else totals[k] for k, v in in_time.items()}
        ends = {k: instants.parse(v[-1]["period_start"]) + Shape.period for k, v in later.items()}
        return cls(rows, {k: (combined(report, v), ends[k]) for k, v in later.items()})


def demo(events: Annotated[int, typer.Option()] = 20_000, seed: int | None = None) -> None:
    """Send events with 10 % duplicates, shuffled over 5 s, and compare the report."""
    settings, console = Settings.load(), Console(highlight=False)
    current = outputs.read(settings)
    use_case = _demonstrable(current)
    report = use_case.reports[0]
    shape, workers = _shape(use_case, events, seed, now())
    generation = Generation(use_case, generator_of(use_case.name), shape)
    file = settings.home / "demo" / "events.ndjson"
    file.parent.mkdir(parents=True, exist_ok=True)
    if (live := demo_live.deployed(current)) is not None:
        platform.keep_sending(settings, demo_live.COMMAND)
    chain = demo_chain.prepared(current, now())
    receiver = demo_receiver.started(settings, chain.use_case.name) if chain else None
    with file.open("wb") as stream:
        write(generation, stream)
        write(generation.closing(use_case.configured({}).watermark_delay), stream)
    truth = Expected.of(report, generation.truth())
    with httpx.Client(headers={"x-api-key": current.api_key}, timeout=60) as client:
        before = fetch(client, current, report, list(truth.rows))
        send(str(file), workers=workers, url=current.url_for_api, api_key=current.api_key)
        expected = {
            key: combined(report, [before[key], row] if key in before else [row])
            for key, row in truth.rows.items()
        }
        pause(max(0.0, (shape.start + shape.span - now()).total_seconds()))
        took = await_report(client, current, report, expected)
    _show(console, report, expected, file, generation.truth())
    console.print(f"[green]✓[/] the report equals the truth, {took:.1f} s after the last event")
    console.print("\n".join((*to_come(truth), "")), markup=False, soft_wrap=True)
    if chain is not None:
        lines = chain.shown(settings, _received(settings, receiver))
        console.print("\n".join((*lines, "")), markup=False, soft_wrap=True)
    console.print(str(current), soft_wrap=True)
    for name, page in platform.flink_pages(settings).items():
        console.print(f"{'Flink':18} {page}  {name}")
    if receiver is not None:
        console.print(f"{'Receiver':18} {receiver.url}  its log: {receiver.log}", soft_wrap=True)
    if live is not None:
        console.print(f"\n{live.shown()}", soft_wrap=True)
    console.print(
        f"\nThe page: {current.url_for_dashboard}/ (it needs the keys above, once)", soft_wrap=True
    )


def _received(
    settings: Settings, receiver: demo_receiver.DemoReceiver | None
) -> demo_chain.Received | None:
    """What returns the line of an action once it has been received with a right signature."""
    if receiver is None:
        return None
    platform.await_receiver(settings, receiver.port)

    def line(id_: str) -> str | None:
        arrival = receiver.received(id_)
        if arrival is None:
            return None
        to = f"received by {receiver.url} with webhook-id {arrival['id']}, its signature verified"
        return f"{message(arrival['action'])} ({to})"

    return line


def _demonstrable(current: Outputs) -> UseCase:
    """The first deployed use case that has made-up events and a report."""
    deployed = current.topology.catalog.use_cases
    for use_case in deployed:
        if use_case.reports and (use_case.folder / "generator.py").exists():
            return use_case
    names = ", ".join(u.name for u in deployed)
    raise CommandError(f"{names}: none of them has a generator.py and a report to demonstrate")


def _shape(
    use_case: UseCase, events: int, seed: int | None, present: datetime
) -> tuple[Shape, int]:
    """The events, and how many connections send them.

    Events end now where they may be late, and begin in a while where they may not. With a new seed
    each time, so that a second run sends new ones.
    """
    parameters = use_case.configured({})
    may_be_late = bool(parameters.named(Role.LATENESS))
    ahead = min(LEAD + timedelta(seconds=events / SENT), FARTHEST)
    shape = Shape(
        events=events,
        start=present - timedelta(seconds=events / RATE) if may_be_late else present + ahead,
        seed=int(present.timestamp()) if seed is None else seed,
        rate=RATE,
        duplicates=0.1,
        shuffle=timedelta(seconds=5) if may_be_late else parameters.watermark_delay * 0.6,
    )
    return shape, 4 if may_be_late else 1


def fetch(client: httpx.Client, current: Outputs, report: Schema, keys: list[str]) -> Rows:
    """The report's measures per key; an unknown key is left out."""
    rows: Rows = {}
    for key in keys:
        answer = client.get(f"{current.url_for_reports}/reports/{report.path}/{key}")
        if answer.status_code not in (200, 404):
            raise CommandError(f"{answer.url} returned {answer.status_code}: {answer.text}")
        if answer.status_code == 200:
            body: dict[str, Any] = answer.json()
            rows[key] = {column.name: body.get(column.name) for column in report.measures}
    return rows


def await_report(client: httpx.Client, current: Outputs, report: Schema, expected: Rows) -> float:
    """Wait until the report equals what is expected. Returns the seconds that took."""
    started = time.monotonic()
    while (shown := fetch(client, current, report, list(expected))) != expected:
        if time.monotonic() - started > TIMEOUT:
            wrong = {k: (shown.get(k), v) for k, v in expected.items() if shown.get(k) != v}
            raise CommandError(f"the report differs from the truth (report, expected): {wrong}")
        pause(0.3)
    return time.monotonic() - started


def to_come(truth: Expected) -> Iterator[str]:
    """What the report does not have yet: of each key, what is added and when all of it is there."""
    for key, (measures, end) in truth.later.items():
        added = ", ".join(f"{name} {number:,}" for name, number in measures.items())
        yield f"  {key} is still to come: {added} by {end:%Y-%m-%d %H:%M:%SZ}"


def _show(console: Console, report: Schema, rows: Rows, file: Path, truth: dict[str, Any]) -> None:
    (file.parent / "truth.json").write_text(json.dumps(truth, indent=2))
    shown = [{report.key or "key": key, **row} for key, row in rows.items()]
    console.print(table({"report": report.path, "rows": shown}))


if __name__ == "__main__":
    from sdpctl.cli import run

    run(demo)
