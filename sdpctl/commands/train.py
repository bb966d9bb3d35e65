"""`./sdp train`: run the retraining workflow now."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from features.archives import UNREADABLE, whole
from glue import instants
from lambdas.model_names import version_of
from sdpctl import deployment, retraining
from sdpctl.clock import now, pause
from sdpctl.errors import CommandError
from sdpctl.pairs import pairs
from sdpctl.retraining import ENDED, Place

LOOK_EVERY = 1.0


@deployment.errors()
def train(
    use_case: Annotated[
        str | None, typer.Option(help="Use case of the model. [default: the first with one]")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end and show the steps.")
    ] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="Start of the rows, RFC 3339.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="End of the rows, exclusive, RFC 3339.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value for the training script; may be repeated."),
    ] = None,
    artifact: Annotated[
        Path | None,
        typer.Option(help="A model.tar.gz to evaluate instead of training one."),
    ] = None,
    region: deployment.Region = None,
) -> None:
    """Train, evaluate, and put in service if better. With --wait, exits with 1 on failure."""
    run_input: dict[str, Any] = {"hyperparameters": pairs("--set", set_ or [])}
    run_input |= window(from_, to)
    if artifact:
        _check_archive(artifact)
    place, at = retraining.place(use_case, region), now()
    if artifact:
        run_input["artifact"] = _uploaded(place, artifact, at)
    start(place, at, run_input, wait)


def start(place: Place, at: datetime, run_input: dict[str, Any], wait: bool) -> None:
    """Start a run; if `wait`, show its steps and how it ends. Raises CommandError if it fails."""
    arn = place.start(at, run_input)
    console = Console(stderr=True, highlight=False)
    console.print(f"started {arn.rpartition(':')[2]}")
    if wait:
        _follow(place, arn, console)


def follow(place: Place, arn: str, tell: Any) -> dict[str, Any]:
    """Wait for a run's end, reporting each step once. Returns the final run."""
    seen, reported = 0, ""
    while True:
        run = place.execution(arn)
        for number, step in place.steps(arn, seen):
            seen = number
            if step != reported and not step.startswith(("Wait", "LookAt", "Is")):
                tell(step)
                reported = step
        if run["status"] in ENDED:
            return run
        pause(LOOK_EVERY)


def _follow(place: Place, arn: str, console: Console) -> None:
    run = follow(place, arn, lambda step: console.print(f"  {step}", style="dim"))
    if run["status"] != "SUCCEEDED":
        raise CommandError(f"{run['status']}: {run.get('cause') or run.get('error')}")
    ended = json.loads(run["output"])
    console.print(f"{ended['status']}: {ended['cause'] or 'no remarks'}")
    typer.echo(json.dumps(ended, indent=2))


def window(from_: str | None, to: str | None) -> dict[str, str]:
    """The requested range, unchanged. Raises CommandError if it is invalid or empty."""
    given = {name: text for name, text in (("from", from_), ("to", to)) if text is not None}
    times = {name: time_of(f"--{name}", text) for name, text in given.items()}
    if "from" in times and times["from"] >= times.get("to", now()):
        raise CommandError(f"--from {from_}: must be before {f'--to {to}' if to else 'now'}")
    return given


def time_of(option: str, text: str) -> datetime:
    """The instant of an option. Raises CommandError if it is none."""
    try:
        return instants.parse(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r}: {error}") from error


def _uploaded(place: Place, artifact: Path, at: datetime) -> str:
    """The key of the archive in the lake, as the version that the run's release looks for."""
    from sdpctl.renaming import renamed  # its libraries take a second to load

    with tempfile.TemporaryDirectory() as folder:
        version = version_of(retraining.run_name(at))
        return place.upload(renamed(artifact, version, Path(folder)), at)


def _check_archive(path: Path) -> None:
    """Raises CommandError unless it is a .tar.gz, by its name, and whole."""
    if not path.is_file():
        raise CommandError(f"--artifact {path}: file does not exist")
    if not path.name.endswith(".tar.gz"):
        raise CommandError(f"--artifact {path}: must be a .tar.gz, as written by training")
    try:
        with whole(path):
            pass
    except UNREADABLE as error:
        raise CommandError(f"--artifact {path}: not a tar compressed with gzip: {error}") from error
