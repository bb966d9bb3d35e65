"""`./sdp report`: a report of one key, in total or by period."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.table import Table

from glue import UseCase
from sdpctl.answers import check_url, console, document, unanswered
from sdpctl.connection import ApiKey, choose, connect
from sdpctl.errors import CommandError

SECONDS = 30
Rows = list[dict[str, Any]]


def report(
    path: Annotated[str, typer.Argument(help="Which report, as in its URL.")],
    key: Annotated[str, typer.Argument(help="Whose numbers.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="Start, RFC 3339 or epoch milliseconds.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="End, exclusive.")] = None,
    period: Annotated[
        str | None, typer.Option(help="MINUTES, HOURS, HALF_DAYS, DAYS, WEEKS, MONTHS or YEARS.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA time zone of the calendar. [default: UTC]")
    ] = None,
    total: Annotated[
        bool, typer.Option("--total", help="The sums over the range instead of rows.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The API's response as JSON.")] = False,
    use_case: Annotated[
        str | None, typer.Option(help="Whose report it is. [default: the one that has it]")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Use this UrlForReports.")] = None,
    api_key: ApiKey = None,
) -> None:
    """Show a report: totals, or rows if one of --from --to --period --timezone is given."""
    if url is not None:
        check_url(url)
    if use_case is not None:
        _check_path(path, choose(use_case, deployed=url is None))
    base, secret = connect("url_for_reports", url, api_key)
    options = {"from": from_, "to": to, "period": period, "timezone": timezone}
    query = {name: value for name, value in options.items() if value is not None}
    if total and (period or timezone):
        raise CommandError("--total does not go with --period or --timezone; leave them out")
    with httpx.Client(base_url=base, headers={"x-api-key": secret}, timeout=SECONDS) as client:
        answer = fetch(client, path, key, query, total=total)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        console().print(table(answer))


def _check_path(path: str, use_case: UseCase) -> None:
    paths = [report.path for report in use_case.reports]
    if path not in paths:
        raise CommandError(
            f"--use-case {use_case.name}: it has no report {path!r}; "
            f"reports: {', '.join(paths) or 'none'}"
        )


def fetch(
    client: httpx.Client, path: str, key: str, query: dict[str, str], *, total: bool = False
) -> dict[str, Any]:
    """The whole report, all pages. Raises CommandError with the API's error."""
    where = f"/reports/{quote(path, safe='')}/{quote(key, safe='')}"
    if total or not query:
        return _get(client, where, query)
    where += "/period"
    answer = _get(client, where, query)
    rows: Rows = answer.get("rows", [])
    while answer.get("next"):
        answer = _get(client, where, {**query, "next": answer["next"]})
        rows += answer["rows"]
    return {**answer, "rows": rows}


def table(answer: dict[str, Any]) -> Table:
    """The rows, or the totals as one row; long values are wrapped, never cut."""
    rows: Rows = answer.get("rows", [answer])
    shown = Table(title=_title(answer) if "rows" in answer else None)
    names = list(rows[0]) if rows else ["no rows"]
    for name in names:
        number = bool(rows) and isinstance(rows[0][name], int | float)
        shown.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(name, row.get(name), answer) for name in names))
    return shown


def _title(answer: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v}" for k, v in answer.items() if k not in ("rows", "next"))


def _cell(name: str, value: Any, answer: dict[str, Any]) -> str:
    """Counts with thousands separators; other values unchanged."""
    is_name = "rows" not in answer and name == next(iter(answer))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and not is_name:
        return f"{value:,}"
    return "" if value is None else str(value)


def _get(client: httpx.Client, where: str, query: dict[str, str]) -> dict[str, Any]:
    try:
        answer = client.get(where, params=query)
    except httpx.RequestError as error:
        raise unanswered(error, SECONDS) from error
    return document(answer)
