"""`./sdp definitions`: what people change while a job runs, by its API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from sdpctl import deployment
from sdpctl.answers import check_url, console, document, reason, unanswered
from sdpctl.connection import connect
from sdpctl.errors import CommandError

SECONDS = 35
Json = dict[str, Any]

Kind = Annotated[str, typer.Argument(help="The kind, as `definitions kinds` lists it.")]
Name = Annotated[str, typer.Argument(help="Its name.")]
Document = Annotated[
    str, typer.Argument(help="The definition as JSON, a file that has it, or - for standard input.")
]
UseCase = Annotated[
    str | None,
    typer.Option("--use-case", help="The use case. [default: the first with definitions]"),
]
Url = Annotated[str | None, typer.Option(help="Use this UrlForDefinitions.")]
Key = Annotated[
    str | None,
    typer.Option("--api-key", envvar="SDP_DEFINITIONS_KEY", help="Use this key.", show_envvar=True),
]
AsJson = Annotated[bool, typer.Option("--json", help="The API's response as JSON.")]
IfMatch = Annotated[
    int | None, typer.Option(help="Only if this is the newest version; else it is refused.")
]
ValidFrom = Annotated[
    str | None,
    typer.Option(help="From when on, RFC 3339 or epoch ms. [default: now + DefinitionsLead]"),
]

definitions = typer.Typer(
    no_args_is_help=True, help="Rules, templates and others that change while a job runs."
)


@definitions.command()
def kinds(
    use_case: Annotated[
        str | None, typer.Option("--use-case", help="Only this use case's. [default: of all]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the kinds that there are: their fields and modes, and whether `test` takes them."""
    rows = _kinds(use_case)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table("use case", "kind", "fields", "modes", "test", "what it is")
    for row in rows:
        fields = ", ".join(f["name"] if f["required"] else f"[{f['name']}]" for f in row["fields"])
        tested = "yes" if row["tested"] else "no"
        cells = (row["use_case"], row["kind"], escape(fields), ", ".join(row["modes"]), tested)
        table.add_row(*cells, escape(row["doc"]))
    console().print(table)


@definitions.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="Only this kind.")] = None,
    use_case: UseCase = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show the newest version of each definition."""
    with _api(url, api_key, use_case) as api:
        rows = list(api.pages(api.path(kind), {}, "definitions"))
    _show(rows, as_json=as_json)


@definitions.command()
def show(
    kind: Kind,
    name: Name,
    history: Annotated[bool, typer.Option("--history", help="Every version.")] = False,
    use_case: UseCase = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show a definition: its newest version, or all of them."""
    with _api(url, api_key, use_case) as api:
        path = api.path(kind, name)
        if history:
            _show(list(api.pages(path, {"history": "true"}, "versions")), as_json=as_json)
        else:
            _print(api.call("GET", path))


@definitions.command()
def put(
    kind: Kind,
    name: Name,
    definition: Document,
    valid_from: ValidFrom = None,
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow",
            help="It decides and is recorded, and has no effect; not all kinds have this mode.",
        ),
    ] = False,
    if_match: IfMatch = None,
    use_case: UseCase = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Write the next version of a definition."""
    sent = _read(definition)
    if valid_from is not None:
        sent["valid_from"] = int(valid_from) if valid_from.isdecimal() else valid_from
    if shadow:
        sent["mode"] = "shadow"
    with _api(url, api_key, use_case) as api:
        _print(api.call("PUT", api.path(kind, name), if_match=if_match, json=sent))


@definitions.command()
def delete(
    kind: Kind,
    name: Name,
    valid_from: ValidFrom = None,
    if_match: IfMatch = None,
    use_case: UseCase = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """End a definition; its versions stay."""
    query = {} if valid_from is None else {"valid_from": valid_from}
    with _api(url, api_key, use_case) as api:
        _print(api.call("DELETE", api.path(kind, name), if_match=if_match, params=query))


@definitions.command()
def test(
    kind: Kind,
    name: Name,
    definition: Annotated[
        str | None,
        typer.Argument(help="The definition to test, as for put. [default: the newest version]"),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(help='Samples, a JSON list of {"event": {…}, "profile": {…}}, or a file.'),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Start of a range of the lake, RFC 3339.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Its end, exclusive.")] = None,
    use_case: UseCase = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show what a definition would do, for samples or a range of the lake; nothing is stored.

    Only of kinds with an expression or placeholders: `definitions kinds` says which.
    """
    sent: Json = {"from": from_, "to": to}
    if events is not None:
        sent["events"] = _parse(events)
    if definition is not None:
        sent["definition"] = _read(definition)
    sent = {name: value for name, value in sent.items() if value is not None}
    with _api(url, api_key, use_case) as api:
        _print(api.call("POST", f"{api.path(kind, name)}/test", json=sent))


class _Api:
    """The API of one use case's definitions."""

    def __init__(self, client: httpx.Client, use_case: str) -> None:
        self._client, self._use_case = client, use_case

    def path(self, *parts: str | None) -> str:
        """Of a kind, or of a definition."""
        named = [self._use_case, *(part for part in parts if part is not None)]
        return "/definitions/" + "/".join(quote(part, safe="") for part in named)

    def call(self, method: str, path: str, *, if_match: int | None = None, **more: Any) -> Json:
        """The response's document. Raises CommandError with the API's error."""
        headers = {} if if_match is None else {"if-match": f'"{if_match}"'}
        try:
            answer = self._client.request(method, path, headers=headers, **more)
        except httpx.RequestError as error:
            raise unanswered(error, SECONDS) from error
        if answer.status_code == 201:
            return dict(answer.json())
        if answer.status_code == 400:
            raise CommandError(_refused(answer))
        return document(answer)

    def pages(self, path: str, query: dict[str, str], rows: str) -> Iterator[Json]:
        """The rows of all pages."""
        answer = self.call("GET", path, params=query)
        yield from answer[rows]
        while answer.get("next"):
            answer = self.call("GET", path, params={**query, "next": answer["next"]})
            yield from answer[rows]


def _refused(answer: httpx.Response) -> str:
    """With the field, and the place in an expression."""
    try:
        body: Json = answer.json()
    except ValueError:
        return reason(answer)
    where = str(body.get("field") or "")
    if position := body.get("position"):
        where += f", line {position['line']}, column {position['column']}"
    return f"{reason(answer)} ({where})" if where else reason(answer)


@contextmanager
def _api(url: str | None, api_key: str | None, use_case: str | None) -> Iterator[_Api]:
    if url is not None:
        check_url(url)
    base, key = connect("url_for_definitions", url, api_key)
    name = use_case or _first(deployed=url is None)
    with httpx.Client(base_url=base, headers={"x-api-key": key}, timeout=SECONDS) as client:
        yield _Api(client, name)


def _first(*, deployed: bool) -> str:
    import usecases

    catalog = deployment.topology().catalog if deployed else usecases.load()
    names = [u.name for u in catalog.use_cases if u.definitions]
    if not names:
        raise CommandError("no deployed use case has definitions")
    return names[0]


def _kinds(use_case: str | None) -> list[Json]:
    """Of each use case, or of one. Raises CommandError with the choices."""
    import usecases

    declaring = {u.name: u.definitions for u in usecases.load().use_cases if u.definitions}
    if use_case is not None and use_case not in declaring:
        choices = ", ".join(declaring)
        raise CommandError(f"use case {use_case!r} has no definitions; those with some: {choices}")
    return [
        {
            "use_case": name,
            "kind": kind.name,
            "fields": [
                {"name": column.name, "required": column.required, "doc": column.doc}
                for column in kind.columns
            ],
            "modes": [*kind.modes],
            "tested": kind.is_tested,
            "doc": kind.doc,
        }
        for name, declared in declaring.items()
        if use_case in (None, name)
        for kind in declared.kinds
    ]


def _read(text: str) -> Json:
    value = _parse(text)
    if not isinstance(value, dict):
        raise CommandError(f"{text[:60]!r} is not a JSON object")
    return value


def _parse(text: str) -> Any:
    """JSON, a file of it, or standard input."""
    if text == "-":
        content = sys.stdin.read()
    elif text.lstrip()[:1] in ("{", "["):
        content = text
    else:
        try:
            content = Path(text).read_text("utf-8")
        except OSError as error:
            raise CommandError(f"{text[:200]}: {error.strerror}; send JSON or a file") from None
    try:
        return json.loads(content)
    except ValueError as error:
        raise CommandError(f"not JSON: {error}") from None


def _print(answer: Json) -> None:
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _show(rows: list[Json], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table()
    for name in ("kind", "name", "version", "valid_from", "mode", "definition"):
        table.add_column(name, overflow="fold")
    for row in rows:
        shown = "ends" if row["ended"] else json.dumps(row["definition"], ensure_ascii=False)
        cells = [str(row[n]) for n in ("kind", "name", "version", "valid_from", "mode")]
        table.add_row(*cells, shown)
    console().print(table)
