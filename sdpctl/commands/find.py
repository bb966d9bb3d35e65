"""`./sdp find`: where an event is now, by event_id or key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from glue import UseCase
from glue.parameters import Parameters
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.reports.progress import completeness
from sdpctl import deployment
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.commands.backfill import parameters_of
from sdpctl.errors import CommandError
from sdpctl.finding import Evidence, Verdict, records_of_events
from sdpctl.sql.athena import Athena
from sdpctl.sql.events import AT_ONCE, events_queries, first_day, results_query
from sdpctl.sql.letters import query
from sdpctl.sql.rows import cell

Rows = list[dict[str, Any]]
COLORS = {"counted": "green", "waiting": "yellow", "unknown": "yellow", "not counted": "red"}


def find(
    text: Annotated[str, typer.Argument(metavar="EVENT_ID|KEY", help="An event_id or a key.")],
    use_case: deployment.AnyUseCase = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Sent within this many days.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show where events are: counted in which row, waiting until when, or why refused.

    Reads the lake, where an event arrives a minute or two after it was accepted.
    """
    topology = deployment.topology(region)
    searched = deployment.use_cases(topology, use_case)
    since = first_day(now(), days)
    found = [v for u in searched for v in _Search(topology, u, region, since).verdicts(text)]
    if not found:
        raise CommandError(
            f"{text}: no event of {' or '.join(u.name for u in searched)} with this event_id or "
            f"key within {days} days; an accepted event is listed a minute or two later"
        )
    _show(found, as_json=as_json)


def verdicts(
    topology: Topology, use_case: UseCase, text: str, region: str | None, days: int = 90
) -> list[Verdict]:
    """A verdict for each event of a use case with this event_id or key."""
    return _Search(topology, use_case, region, first_day(now(), days)).verdicts(text)


@dataclass(frozen=True)
class _Search:
    """Looks for events of one use case that arrived since a day."""

    topology: Topology
    use_case: UseCase
    region: str | None
    since: datetime

    def verdicts(self, text: str) -> list[Verdict]:
        """A verdict for each event with this event_id or key."""
        events = self._events([text])
        if not events:
            return []
        evidence = self._evidence(events)
        if keys := evidence.contested():
            others = self._events(keys, keys_only=True)
            evidence = replace(self._evidence([*events, *others]), events=events, others=others)
        return evidence.verdicts()

    def _evidence(self, events: Rows) -> Evidence:
        ids = list(dict.fromkeys(row["event_id"] for row in events if row["event_id"]))
        parameters = parameters_of(self.topology, self.use_case, self.region)
        return Evidence(
            self.use_case,
            parameters,
            now(),
            self._through(parameters),
            events,
            letters=self._rows(query(self.since, {"event_id": part}) for part in _parts(ids)),
            results=self._rows(
                results_query(self.use_case, record, part, self.since)
                for record in records_of_events(self.use_case)
                for part in _parts(ids)
            ),
        )

    def _events(self, texts: Collection[str], *, keys_only: bool = False) -> Rows:
        return self._rows(
            sql
            for part in _parts(sorted(texts))
            for sql in events_queries(self.use_case, part, self.since, keys_only=keys_only)
        )

    def _rows(self, queries: Iterator[str]) -> Rows:
        athena = Athena.of(self.topology, self.use_case.name, self.region)
        return [row for sql in queries for row in athena.rows(sql)]

    def _through(self, parameters: Parameters) -> datetime | None:
        store = DynamoStore(deployment.client("dynamodb", self.region))
        name = self.use_case.name
        return completeness(store, self.topology.progress_table, {name: parameters})(name).through


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """As many as one query takes."""
    rest = iter(texts)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _show(verdicts: list[Verdict], *, as_json: bool) -> None:
    if as_json:
        for verdict in verdicts:
            typer.echo(orjson.dumps(verdict.as_dict()))
        return
    shown = Table(box=None, pad_edge=False)
    titles = ("occurred at", "use case", "type", "event_id", "key", "state")
    for title in (*titles, "where, why or until when"):
        shown.add_column(title, overflow="fold")
    for v in verdicts:
        texts = map(cell, (v.use_case, v.type, v.event_id, v.key))
        shown.add_row(v.occurred_at, *texts, f"[{COLORS[v.state]}]{v.state}[/]", cell(v.detail))
    console().print(shown)
