"""`./sdp train`: run the retraining workflow now."""

from __future__ import annotations

import json
import tarfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from glue import instants
from sdpctl import deployment, retraining
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.local.processes import pause
from sdpctl.retraining import ENDED, Place

LOOK_EVERY = 1.0


@deployment.errors()
def train(
    use_case: Annotated[
        str | None, typer.Option(help="Whose model. [default: the first that has one]")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended; show steps.")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="First moment of the rows, RFC 3339.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="First moment no longer wanted.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value for the training script; may be repeated."),
    ] = None,
    artifact: Annotated[
        Path | None,
        typer.Option(help="A model.tar.gz to judge instead of training one."),
    ] = None,
    region: deployment.Region = None,
) -> None:
    """Train, judge, and put in service if it is better. With --wait, ends with 1 if it failed."""
    given: dict[str, Any] = {"hyperparameters": _pairs(set_ or [])}
    given |= _window(from_, to)
    if artifact:
        _check_archive(artifact)
    place = retraining.place(use_case, region)
    if artifact:
        given["artifact"] = place.upload(artifact, now())
    arn = place.start(now(), given)
    console = Console(stderr=True, highlight=False)
    console.print(f"started {arn.rpartition(':')[2]}")
    if wait:
        _follow(place, arn, console)


def follow(place: Place, arn: str, tell: Any) -> dict[str, Any]:
    """Wait for a run's end, telling each step once; the run as it ended."""
    seen, told = 0, ""
    while True:
        found = place.execution(arn)
        for number, step in place.steps(arn, seen):
            seen = number
            if step != told and not step.startswith(("Wait", "LookAt", "Is")):
                tell(step)
                told = step
        if found["status"] in ENDED:
            return found
        pause(LOOK_EVERY)


def _follow(place: Place, arn: str, console: Console) -> None:
    found = follow(place, arn, lambda step: console.print(f"  {step}", style="dim"))
    if found["status"] != "SUCCEEDED":
        raise CommandError(f"{found['status']}: {found.get('cause') or found.get('error')}")
    ended = json.loads(found["output"])
    console.print(f"{ended['status']}: {ended['cause'] or 'no remarks'}")
    typer.echo(json.dumps(ended, indent=2))


def _window(from_: str | None, to: str | None) -> dict[str, str]:
    """The times that are given, as they are; CommandError if they are none, or span nothing."""
    given = {name: text for name, text in (("from", from_), ("to", to)) if text is not None}
    times = {name: _time(f"--{name}", text) for name, text in given.items()}
    if "from" in times and times["from"] >= times.get("to", now()):
        raise CommandError(f"--from {from_}: must be before {f'--to {to}' if to else 'now'}")
    return given


def _time(option: str, text: str) -> datetime:
    try:
        return instants.parse(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r}: {error}") from error


def _check_archive(path: Path) -> None:
    """CommandError for what is no .tar.gz, by its name and by its first bytes."""
    if not path.is_file():
        raise CommandError(f"--artifact {path}: there is no such file")
    if not path.name.endswith(".tar.gz"):
        raise CommandError(f"--artifact {path}: must be a .tar.gz, as training makes it")
    try:
        with tarfile.open(path, "r:gz"):
            pass
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise CommandError(f"--artifact {path}: is no tar compressed with gzip: {error}") from error


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise CommandError(f"--set {wrong[0]!r} is not of the form name=value")
    return {name: value for name, _, value in pairs}
