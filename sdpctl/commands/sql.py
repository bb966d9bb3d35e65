"""`./sdp sql`: a query over the lake, in Athena."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from glue import UseCase
from glue.targets.lake import lake_tables
from sdpctl import deployment
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.pairs import pairs
from sdpctl.sql import rows as shown
from sdpctl.sql.athena import Athena, Finished
from sdpctl.sql.rows import Column, Row
from sdpctl.sql.saved import SavedQuery, saved_queries
from sdpctl.sql.statements import require_question

TABLE_ROWS = 1000
INTERRUPTED = 130
# "Table 'awsdatacatalog.sdp_shop.nope' does not exist" on AWS.
_NO_TABLE = re.compile(r"\btable\b.+does not exist", re.IGNORECASE)
_GUESS = re.compile(r'^Did you mean "[^"]*"\?\n?', re.MULTILINE)


def sql(
    query: Annotated[
        str | None, typer.Argument(help="SQL, a file ending in .sql, or - for standard input.")
    ] = None,
    saved: Annotated[
        str | None, typer.Option(help="The name of a saved query to run instead.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="name=value for a saved query; may be repeated.")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the saved queries and their parameters.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array of objects.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="As CSV with a header; NULL is empty.")
    ] = False,
    vertical: Annotated[
        bool | None,
        typer.Option(help="One line per column of each row. [default: if a table is too wide]"),
    ] = None,
    max_rows: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Show at most this many. [default: {TABLE_ROWS} in a table, otherwise all]"
        ),
    ] = None,
    use_case: deployment.UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Query Athena. Rows go to standard output; types, time and bytes scanned to standard error."""
    if as_json and as_csv:
        raise CommandError("choose either --json or --csv")
    if vertical is not None and (as_json or as_csv):
        raise CommandError("--vertical and --no-vertical do not go with --json or --csv")
    values = pairs("--param", param or [])
    topology = deployment.topology(region)
    selected = deployment.use_case(topology, use_case)
    queries = saved_queries(selected.queries)
    if list_:
        _list(queries)
        return
    statement = _statement(query, saved, values, queries)
    require_question(statement)
    athena = Athena.of(topology, selected.name, region)
    limit = max_rows or (None if as_json or as_csv else TABLE_ROWS)
    try:
        finished = _run(athena, statement)
        form = "json" if as_json else "csv" if as_csv else "table"
        _show(athena, finished, limit, form, vertical)
    except CommandError as error:
        raise CommandError(with_tables(str(error), selected)) from error
    except KeyboardInterrupt:
        _fail("stopped", INTERRUPTED)


def _statement(
    query: str | None, saved: str | None, values: dict[str, str], queries: dict[str, SavedQuery]
) -> str:
    if (query is None) == (saved is None):
        raise CommandError(
            "give either SQL (text, a file or '-') or --saved NAME; --list shows names"
        )
    if query is not None:
        if values:
            raise CommandError("--param is only for --saved; write the values into your own SQL")
        return _read(query)
    if saved not in queries:
        raise CommandError(f"saved query {saved!r} is unknown; choose from {', '.join(queries)}")
    return queries[saved].sql(values, now())


def _read(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    if query.endswith(".sql"):
        try:
            return Path(query).read_text()
        except OSError as error:
            raise CommandError(f"{query}: {error.strerror}") from error
    return query


def with_tables(reason: str, use_case: UseCase) -> str:
    """Athena's reason; for an unknown table, with the existing ones."""
    if not _NO_TABLE.search(reason):
        return reason
    names = [name for table in lake_tables(use_case) for name in (table.parquet, table.raw)]
    # The local engine suggests one of DuckDB's own tables.
    return f"{_GUESS.sub('', reason).rstrip()}\ntables: {', '.join(names)}"


def _run(athena: Athena, statement: str) -> Finished:
    console = Console(stderr=True)
    with console.status("Athena") as status:
        return athena.run(statement, lambda state: status.update(f"Athena: {state.lower()}"))


def _show(
    athena: Athena, finished: Finished, limit: int | None, form: str, vertical: bool | None
) -> None:
    pages = athena.pages(finished)
    columns, first = next(pages)
    # One more row than shown reveals whether there are more.
    rows = chain(first, chain.from_iterable(page for _, page in pages))
    taken = _Counted(islice(rows, limit))
    if form == "table":
        console = Console()
        console.print(shown.result(console, columns, taken, vertical))
    else:
        lines = shown.json_lines if form == "json" else shown.csv_lines
        for line in lines(columns, taken):
            typer.echo(line)
    _summarize(finished, columns, taken.count, more=next(rows, None) is not None)


class _Counted(Iterator[Row]):
    """Rows, counted as they pass."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows, self.count = rows, 0

    def __next__(self) -> Row:
        row = next(self._rows)
        self.count += 1
        return row


def _summarize(finished: Finished, columns: list[Column], count: int, *, more: bool) -> None:
    errors = Console(stderr=True, highlight=False, style="dim")
    types = ", ".join(f"{column.name} {column.type}" for column in columns)
    errors.print(shown.cell(types), soft_wrap=True)
    rest = ", more available (--max-rows)" if more else ""
    seconds, scanned = finished.milliseconds / 1000, shown.size(finished.scanned_bytes)
    errors.print(
        f"{count:,} {'row' if count == 1 else 'rows'}{rest} in {seconds:.2f} s, {scanned} scanned"
    )


def _list(queries: dict[str, SavedQuery]) -> None:
    console = Console(highlight=False, emoji=False)
    for query in queries.values():
        console.print(f"[bold]{query.name}[/]  {escape(query.question)}")
        for p in query.parameters:
            default = "needed" if p.default is None else f"default {p.default}"
            console.print(f"    {p.name} {p.type}, {default}: {escape(p.doc)}", style="dim")


def _fail(message: str, code: int) -> NoReturn:
    Console(stderr=True).print(message, style="red", markup=False)
    raise typer.Exit(code)
