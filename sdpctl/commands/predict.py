"""`./sdp predict`: calls the prediction API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import orjson
import typer
from rich.table import Table

from sdpctl.answers import check_url, console, document, unanswered
from sdpctl.connection import ApiKey, connect
from sdpctl.errors import CommandError
from sdpctl.sql.rows import cell

SECONDS = 60


def predict(
    request: Annotated[
        str, typer.Argument(help='An object, {"instances": […]}, a file with one, or - for stdin.')
    ],
    use_case: Annotated[
        str | None, typer.Option(help="Use case of the model. [default: the first with one]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The API's response as JSON.")] = False,
    url: Annotated[str | None, typer.Option(help="Use this UrlForPredictions.")] = None,
    api_key: ApiKey = None,
) -> None:
    """Show a prediction: the score, the label, and which values the model has never seen."""
    if url is not None:
        check_url(url)
    base, key = connect("url_for_predictions", url, api_key)
    where = f"{base}/{quote(use_case, safe='')}" if use_case else base
    headers = {"x-api-key": key, "content-type": "application/json"}
    try:
        answer = httpx.post(where, content=body(request), headers=headers, timeout=SECONDS)
    except httpx.RequestError as error:
        raise unanswered(error, SECONDS) from error
    prediction = document(answer)
    if as_json:
        typer.echo(orjson.dumps(prediction, option=orjson.OPT_INDENT_2).decode())
        return
    console().print(table(prediction))


def body(request: str) -> bytes:
    """The request's bytes: the argument itself, a file's, or standard input's."""
    if request == "-":
        return sys.stdin.buffer.read()
    if request.lstrip()[:1] in ("{", "["):
        return request.encode()
    path = Path(request)
    if not path.is_file():
        raise CommandError(f"{request!r} is neither a JSON object nor a file")
    return path.read_bytes()


def table(answer: dict[str, Any]) -> Table:
    """A row per prediction."""
    title = f"model {answer['model_version']}, served by the {answer['served_by']}"
    shown = Table("score", "label", title=title, title_justify="left")
    shown.add_column("unseen", overflow="fold")
    for prediction in answer["predictions"]:
        unseen = ", ".join(prediction.get("unseen", []))
        label = f"{prediction['predicted_label']:.0f}"
        shown.add_row(f"{prediction['score']:.4f}", label, cell(unseen))
    return shown
