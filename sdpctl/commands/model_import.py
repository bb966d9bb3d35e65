"""`./sdp model import`: the model of a PMML file as a challenger."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import usecases
from glue import instants
from lambdas.model_names import version_of
from ml import pmml
from sdpctl import deployment, retraining
from sdpctl.clock import now
from sdpctl.commands.train import start, time_of, window
from sdpctl.errors import CommandError


@deployment.errors()
def import_(
    file: Annotated[Path, typer.Argument(help="A PMML file with one regression or tree.")],
    through: Annotated[
        str, typer.Option(help="Time of the newest row that it was fitted to, RFC 3339.")
    ],
    from_: Annotated[
        str | None, typer.Option("--from", help="Start of the rows to evaluate on, RFC 3339.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="End of the rows, exclusive, RFC 3339.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end and show the steps.")
    ] = False,
    use_case: Annotated[
        str | None, typer.Option(help="Use case of the model. [default: the first with one]")
    ] = None,
    region: deployment.Region = None,
) -> None:
    """Evaluate the model of a PMML file as a challenger; put it in service if it is better.

    It must be a binary classifier. What cannot be evaluated exactly is reported at once, refused
    by the gate with that reason, and listed as a version; the command then exits with 1.
    """
    run_input: dict[str, Any] = {"hyperparameters": {}, **window(from_, to)}
    fitted_through, content = _fitted_through(through), _content(file)
    place, at = retraining.place(use_case, region), now()
    version = version_of(retraining.run_name(at))
    error = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            archive = _archive(content, place.use_case, fitted_through, version, Path(folder))
        except pmml.PmmlError as found:
            error, archive = found, _refusal(content, found, Path(folder))
            refused = f"{file} is refused: {error}"
            Console(stderr=True, highlight=False).print(
                refused, markup=False, emoji=False, soft_wrap=True
            )
        run_input["artifact"] = place.upload(archive, at)
    start(place, at, run_input, wait)
    if error is not None:
        raise CommandError(
            f"{file} is refused, as version {version} with its reason: ./sdp model show {version}"
        )


def _fitted_through(through: str) -> datetime:
    """Raises CommandError unless it is an instant that is past."""
    instant = time_of("--through", through)
    if instant >= now():
        raise CommandError(f"--through {through}: must be before now")
    return instant


def _content(file: Path) -> bytes:
    """The bytes of a file that is PMML. Raises CommandError: of others there is no version."""
    try:
        with file.open("rb") as content:
            found = content.read(pmml.LARGEST + 1)
        pmml.document(found)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except pmml.UnreadableError as error:
        raise CommandError(f"{file} is refused: {error}") from error
    return found


def _refusal(content: bytes, error: pmml.PmmlError, folder: Path) -> Path:
    """What the gate refuses with the reason."""
    from ml.pmml import refusal  # as in `_archive`

    return refusal.archive(content, error, folder)


def _archive(
    content: bytes, use_case: str, fitted_through: datetime, version: str, folder: Path
) -> Path:
    """What a training would leave. Raises PmmlError with the reason why it cannot be exact."""
    from ml.pmml import importing  # its libraries take a second to load

    through = instants.to_millis(fitted_through)
    return importing.archive(content, usecases.load().use_case(use_case), through, version, folder)
