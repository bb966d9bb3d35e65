"""`./sdp dead-letters`: what was not counted, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table

from glue import UseCase
from glue.deadletter import REASONS, STAGES, original
from glue.instants import to_wire
from infra.topology import Topology
from lambdas.adapters.replays import DynamoReplays
from lambdas.event_queries import keys_of
from lambdas.finding import moment
from lambdas.letter_queries import Record, count_query, query
from lambdas.ports.replays import Replays, State
from lambdas.ports.report_store import StoreUnavailable
from lambdas.replaying import (
    NDJSON,
    Answer,
    Door,
    NotSendable,
    Resender,
    Sent,
    Unanswered,
    encoded,
    send_all,
    sendable,
)
from sdpctl import deployment, ranges, replaying
from sdpctl.answers import console
from sdpctl.clock import now, pause
from sdpctl.commands.find import verdicts
from sdpctl.connection import ApiKey, connect
from sdpctl.errors import CommandError
from sdpctl.sql.athena import Athena
from sdpctl.sql.glimpse import glimpse
from sdpctl.sql.rows import cell

Letter = dict[str, Any]
Edits = dict[str, dict[str, Any]]
Done = tuple[str, str, Sent]
"""Use case, letter and what became of it."""
DAYS = 3_650
_SOURCE = ("stream", "shard", "sequence_number")


dead_letters = typer.Typer(invoke_without_command=True)


@dead_letters.callback()
def list_(
    context: typer.Context,
    use_case: deployment.AnyUseCase = None,
    reason: Annotated[str | None, typer.Option(help=f"{', '.join(REASONS)}.")] = None,
    stage: Annotated[str | None, typer.Option(help=f"{', '.join(STAGES)}.")] = None,
    event_id: Annotated[str | None, typer.Option(help="Only of the event with this id.")] = None,
    key: Annotated[str | None, typer.Option(help="Only of events with this key.")] = None,
    days: Annotated[int, typer.Option(help=f"Failed within this many days, 1 to {DAYS}.")] = 7,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest.")] = 20,
    count: Annotated[
        bool, typer.Option("--count", help="Count by use case, stage and reason.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object per line, with the original bytes in base64.")
    ] = False,
    region: deployment.Region = None,
) -> None:
    """List dead letters from the lake, newest first. They arrive there after a minute or two."""
    if context.invoked_subcommand:
        return
    _require("--reason", reason, REASONS)
    _require("--stage", stage, STAGES)
    if not 1 <= days <= DAYS:
        raise CommandError(f"--days {days}: must be 1 to {DAYS}")
    since = now() - timedelta(days=days)
    filters = {"reason": reason, "stage": stage, "event_id": event_id}

    def sql(of: UseCase) -> str:
        record = Record(keys_of(of), key) if key is not None else None
        if count:
            return count_query(since, filters, record)
        return query(since, filters, limit, record)

    rows = _rows(use_case, region, sql)
    if not count:
        rows = sorted(rows, key=lambda row: str(row["failed_at"]), reverse=True)[:limit]
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row if count else nested(row)))
    else:
        Console().print(_counts(rows) if count else _table(rows))


@dead_letters.command()
def replay(
    use_case: deployment.AnyUseCase = None,
    reason: Annotated[str | None, typer.Option(help=f"{', '.join(REASONS)}.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Only this dead letter.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Failed from this time. [default: 7 days ago]")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Failed before this time. [default: now]")] = None,
    edit: Annotated[
        Path | None,
        typer.Option(help="NDJSON of id and record: only these, with these records."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object per line; of --dry-run a file for --edit.")
    ] = False,
    api_key: ApiKey = None,
    region: deployment.Region = None,
) -> None:
    """Send the records of dead letters again, through the public API, each at most once.

    A record keeps its event_id and event time, so what is still a duplicate or late becomes a dead
    letter again. `show ID` says what became of it. Exits with 1 if one was rejected.
    """
    _require("--reason", reason, REASONS)
    topology = deployment.topology(region)
    since, until = ranges.span(from_, to, timedelta(days=7))
    records = None if edit is None else replaying.edits(_lines(edit), str(edit))
    filters = {"stage": "flink", "reason": reason, "id": _ids(id_, records)}
    rows = _rows(use_case, region, lambda _: query(since, filters))
    chosen = [(row["use_case"], row, _record(row, records)) for row in rows if _before(row, until)]
    if records is not None and (
        unknown := sorted(records.keys() - {r["id"] for _, r, _ in chosen})
    ):
        raise CommandError(f"{edit}: no dead letter {unknown[0]!r} that may be replayed")
    if dry_run:
        _show_sendable(chosen, as_json=as_json)
        return
    done = list[Done]()
    with _ingestion(region, api_key) as door, _stored():
        resender = Resender(_replays(topology, region), door, now)
        for each in send_all(((u, row["id"], record) for u, row, record in chosen), resender):
            done.append(each)
            if each[2].sent and each[2].replay.state is State.UNKNOWN:
                break  # so it would be of the others
    _show_replays(done, as_json=as_json)
    _check(done, len(chosen))


def _check(done: Sequence[Done], chosen: int) -> None:
    """Raises unless each record was accepted, now or before."""
    if len(done) < chosen or (done and done[-1][2].replay.state is State.UNKNOWN):
        cause = done[-1][2].replay.error
        raise CommandError(
            f"the API does not answer: {cause}; run it again: {chosen - len(done) + 1} of {chosen} "
            "letters are left"
        )
    if any(sent.replay.state is not State.ACCEPTED for _, _, sent in done):
        raise typer.Exit(1)


def _replays(topology: Topology, region: str | None) -> DynamoReplays:
    return DynamoReplays(topology.ledger_table, deployment.client("dynamodb", region))


@contextmanager
def _stored() -> Iterator[None]:
    """Turns what the table did not answer into a message for the user."""
    try:
        yield
    except StoreUnavailable as error:
        raise CommandError(
            f"the table of replays does not answer: {error}; run it again: what was sent is known"
        ) from error


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise CommandError(f"--edit {path}: {error.strerror}") from error


def _ids(id_: str | None, records: Edits | None) -> str | list[str] | None:
    if records is None:
        return id_
    return sorted(records.keys() & {id_} if id_ else records) or [""]


def _record(row: Letter, records: Edits | None) -> bytes:
    try:
        return sendable(row) if records is None else encoded(records[row["id"]], row)
    except NotSendable as error:
        raise CommandError(f"{error}: replay it with --edit") from error


def _before(row: Letter, until: datetime) -> bool:
    return moment(row["failed_at"]) < until


@contextmanager
def _ingestion(region: str | None, api_key: str | None) -> Iterator[Door]:
    """The public API of the deployment."""
    url = None if region is None else deployment.output("UrlForAPI", region)
    if url and not api_key:
        raise CommandError("--api-key is missing: './sdp keys show deployment' prints it")
    base, key = connect("url_for_api", url, api_key)
    with httpx.Client(headers={"x-api-key": key, **NDJSON}) as client:

        def post(record: bytes, seconds: float) -> Answer:
            try:
                answer = client.post(f"{base}/events", content=record, timeout=min(seconds, 20))
            except httpx.RequestError as error:
                raise Unanswered(f"{type(error).__name__}: {error}") from error
            after = answer.headers.get("retry-after", "")
            return Answer(
                answer.status_code, answer.content, float(after) if after.isdigit() else None
            )

        yield Door(post, pause)


def _show_sendable(chosen: Sequence[tuple[str, Letter, bytes]], *, as_json: bool) -> None:
    if as_json:
        for _, row, record in chosen:
            typer.echo(orjson.dumps({"id": row["id"], "record": orjson.loads(record)}))
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("reason", "id", "record that would be sent"):
        shown.add_column(title, overflow="fold")
    for _, row, record in chosen:
        shown.add_row(*map(cell, (row["reason"], row["id"], record.decode())))
    Console().print(shown)


def _show_replays(done: Sequence[Done], *, as_json: bool) -> None:
    lines = [
        {
            "use_case": use_case,
            "id": id_,
            "state": _state(sent),
            "error": sent.replay.error,
        }
        for use_case, id_, sent in done
    ]
    if as_json:
        for line in lines:
            typer.echo(orjson.dumps(line))
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("use case", "id", "state", "error"):
        shown.add_column(title, overflow="fold")
    for line in lines:
        shown.add_row(*map(cell, line.values()))
    Console().print(shown)


def _state(sent: Sent) -> str:
    state = sent.replay.state
    return state.value if sent.sent or state is not State.ACCEPTED else "accepted before"


@dead_letters.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of the dead letter.")],
    use_case: deployment.AnyUseCase = None,
    days: Annotated[int, typer.Option(min=1, max=DAYS, help="Failed within this many days.")] = 90,
    region: deployment.Region = None,
) -> None:
    """Show one dead letter in full, and the record as it was sent."""
    sql = query(now() - timedelta(days=days), {"id": id_})
    rows = _rows(use_case, region, lambda _: sql)
    if not rows:
        raise CommandError(f"{id_}: no dead letter with this id failed within {days} days")
    topology = deployment.topology(region)
    store = _replays(topology, region)
    for row in rows:
        shown = letter(row)
        for name, value in _became(topology, row, store, region):
            shown.add_row(name, cell(value))
        console().print(shown)


def _became(
    topology: Topology, row: Letter, store: Replays, region: str | None
) -> Iterator[tuple[str, str]]:
    """What is known of the letter's replay, and what became of its record."""
    with _stored():
        done = store.find(row["use_case"], row["id"])
    if done is None:
        return
    yield "replayed", f"{done.state} at {to_wire(done.at)} {done.error}".strip()
    if done.state is not State.REJECTED:
        of = deployment.use_case(topology, row["use_case"])
        for verdict in verdicts(topology, of, done.event_id, region):
            yield "became", f"{verdict.state}: {verdict.detail}"


def letter(row: Letter) -> Table:
    """A line for each field of a dead letter."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for name, value in row.items():
        if name not in ("payload", "encoding") and value is not None:
            shown.add_row(name, cell(value))
    data = original(row["payload"], row["encoding"])
    text = "" if data is None else data.decode("utf-8", "backslashreplace").strip()
    shown.add_row("record", cell(text))
    return shown


def _require(option: str, value: str | None, choices: Sequence[str]) -> None:
    if value is not None and value not in choices:
        raise CommandError(f"{option} {value!r}: unknown; choose from {', '.join(choices)}")


def _rows(name: str | None, region: str | None, sql: Callable[[UseCase], str]) -> list[Letter]:
    """The rows of a query of each use case, or of one, with its name."""
    topology = deployment.topology(region)
    return [
        {"use_case": selected.name, **row}
        for selected in deployment.use_cases(topology, name)
        for row in Athena.of(topology, selected.name, region).rows(sql(selected))
    ]


def nested(row: Letter) -> Letter:
    """A dead letter as in its stream, with `source` as a nested object."""
    source = {name: row[f"source_{name}"] for name in _SOURCE}
    return {k: v for k, v in row.items() if not k.startswith("source_")} | {"source": source}


def _table(rows: list[Letter]) -> Table:
    several = len({row["use_case"] for row in rows}) > 1  # a column less is wider ones
    shown = Table(box=None, pad_edge=False)
    titles = ("failed at", "stage", "reason", "what is wrong", "record", "id")
    for title in (*(("use case",) if several else ()), *titles):
        shown.add_column(title, overflow="fold")
    for row in rows:
        wrong = row["detail"] or row["field"] or ""
        record = glimpse(original(row["payload"], row["encoding"]))
        where = (row["failed_at"], row["stage"], row["reason"])
        use_case = (row["use_case"],) if several else ()
        shown.add_row(*map(cell, (*use_case, *where, wrong, record, row["id"])))
    return shown


def _counts(rows: list[Letter]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("use case", "stage", "reason", "letters", "newest"):
        shown.add_column(title, justify="right" if title == "letters" else "left")
    for row in rows:
        of, letters = (row["use_case"], row["stage"], row["reason"]), f"{row['letters']:,}"
        shown.add_row(*map(cell, (*of, letters, row["newest"])))
    return shown
