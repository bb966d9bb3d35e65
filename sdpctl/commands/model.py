"""`./sdp model`: the versions of a model, their figures, and which one is in service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lambdas.dashboard.models import version_of
from sdpctl import deployment, retraining
from sdpctl.answers import console
from sdpctl.clock import pause
from sdpctl.commands.model_import import import_
from sdpctl.errors import CommandError
from sdpctl.retraining import Place
from sdpctl.settings import Settings

COLUMNS = {
    "rows": "rows",
    "log_loss": "log loss",
    "champion_log_loss": "champion's",
    "auc": "AUC",
    "champion_auc": "champion's",
    "calibration_error": "calibration error",
}
MODELS = {
    "challenger": "this version",
    "champion": "the champion then",
    "baseline": "its own baseline",
    "base_rate": "the base rate",
}
MEASURES = ("log_loss", "auc", "calibration_error", "brier")
WORST = 5  # segments in a summary
TIMEOUT = 900.0

UseCase = Annotated[
    str | None, typer.Option(help="Use case of the model. [default: the first with one]")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

model = typer.Typer(no_args_is_help=True, help="The versions of a model.")


@model.command("list")
@deployment.errors()
def list_(
    use_case: UseCase = None, as_json: AsJson = False, region: deployment.Region = None
) -> None:
    """Show every version: whether it is in service, its figures, and why it was refused."""
    place = retraining.place(use_case, region)
    champion = place.champion()
    versions = [
        {**version_of(package, champion), "package_arn": package["ModelPackageArn"]}
        for package in place.packages()
    ]
    if as_json:
        typer.echo(json.dumps(versions, indent=2))
        return
    console().print(table(versions) if versions else "no version yet; run ./sdp train --wait")


def table(versions: list[dict[str, Any]]) -> Table:
    """A row per version: its figures, and those of the champion then, on the same rows.

    Long values are wrapped, never cut.
    """
    shown = Table(box=None, pad_edge=False)
    for title in ("version", "", *COLUMNS.values(), "reason"):
        shown.add_column(title, overflow="fold")
    for entry in versions:
        figures = (str(entry.get(name, "")) for name in COLUMNS)
        shown.add_row(entry["version"], entry["status"], *figures, entry.get("reason", ""))
    return shown


@model.command()
@deployment.errors()
def show(
    version: Annotated[str | None, typer.Argument(help="[default: the one in service]")] = None,
    use_case: UseCase = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole evaluation.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show a summary of a version's evaluation, and download its page."""
    place = retraining.place(use_case, region)
    shown_version = version or (place.champion() or {}).get("version")
    if shown_version is None:
        raise CommandError("no version is in service yet; run ./sdp train --wait")
    evaluation = place.document(place.names.key(shown_version, "evaluation.json"))
    if evaluation is None:
        raise CommandError(
            f"{shown_version!r} has no evaluation; './sdp model list' shows the versions"
        )
    if as_json:
        typer.echo(json.dumps(evaluation, indent=2))
    else:
        for part in summary(shown_version, evaluation):
            console().print(part)
    page = place.file(place.names.key(shown_version, "evaluation.html"))
    if page:
        path = Settings.load().home / "models" / place.use_case / f"{shown_version}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
        Console(stderr=True, highlight=False).print(f"page: {path}", soft_wrap=True)


def summary(version: str, evaluation: dict[str, Any]) -> Iterator[str | Table]:
    """The decision and its reasons, all models on the same rows, and where this one is worst."""
    yield f"{version}: {evaluation['decision']}"
    yield from (f"- {reason}" for reason in evaluation["reasons"])
    if evaluation["rows"]:
        yield f"\n{evaluation['rows']:,} rows that neither model has seen, "
        yield f"{evaluation['from']} to {evaluation['through']}"
        yield _figures(evaluation)
    segments = sorted(evaluation["segments"], key=lambda s: float(s["gain"]))[:WORST]
    if segments:
        reference = "champion" if evaluation["champion"] else "base rate"
        yield f"\nlog loss where it is worst beside the {reference}, by {evaluation['segment']}"
        yield _rows(
            (evaluation["segment"], "rows", "this version", reference),
            [
                (s["segment"], f"{s['rows']:,}", f"{s['challenger']:.4f}", f"{s['reference']:.4f}")
                for s in segments
            ],
        )


def _figures(evaluation: dict[str, Any]) -> Table:
    """A row per measure, a column per model; all on the same rows."""
    models = {title: evaluation[name] for name, title in MODELS.items() if evaluation.get(name)}
    rows = [
        (measure.replace("_", " "), *(f"{figures[measure]:.4f}" for figures in models.values()))
        for measure in MEASURES
    ]
    return _rows(("", *models), rows)


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in head:
        shown.add_column(title, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    return shown


@model.command()
@deployment.errors()
def promote(
    version: Annotated[str, typer.Argument(help="A version in the registry; see list.")],
    force: Annotated[bool, typer.Option("--force", help="Allow a refused version.")] = False,
    use_case: UseCase = None,
    region: deployment.Region = None,
) -> None:
    """Put a version in service."""
    place = retraining.place(use_case, region)
    _switched(place, place.release("switch", version=version, force=force))


model.command("import")(import_)


@model.command()
@deployment.errors()
def rollback(use_case: UseCase = None, region: deployment.Region = None) -> None:
    """Put the previous version in service again."""
    place = retraining.place(use_case, region)
    _switched(place, place.release("back"))


def _switched(place: Place, result: dict[str, Any]) -> None:
    """Wait until the endpoint serves it; until then the fallback predicts."""
    started = time.monotonic()
    while (state := place.release("standing", config=result["config"]))["status"] == "Moving":
        if time.monotonic() - started > TIMEOUT:
            raise CommandError("the endpoint is still being updated; see './sdp model list'")
        pause(0.2)
    if state["status"] != "InService":
        raise CommandError(f"the endpoint does not serve it: {state['reason']}")
    typer.echo(f"{result['version']} is in service, after {time.monotonic() - started:.1f} s")
    if instant := result.get("scores_from"):
        typer.echo(f"scores in the stream are its own from {instant} of event time on")
