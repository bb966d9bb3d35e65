"""`./sdp new-use-case`: the folder of a new use case."""

from __future__ import annotations

from typing import Annotated

import typer

from sdpctl import new_use_case as folder
from sdpctl.settings import ROOT


def new_use_case(
    name: Annotated[str, typer.Argument(help="Its name: lower case letters, digits, underscores.")],
) -> None:
    """Make the folder of a new use case, with an event, a report and its SQL to change.

    It is the one of docs/use-cases.md, which goes through it step by step.
    """
    for path in folder.create(ROOT, name):
        typer.echo(path.relative_to(ROOT))
    typer.echo(
        "\nChange the event, the report and the SQL to yours; types of events and paths of reports "
        "are unique\nacross use cases. Then: .venv/dev/bin/python -m sdpctl.generated, and "
        f"make up USE_CASES={name}"
    )
