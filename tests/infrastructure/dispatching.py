"""The stack of actions of a made-up use case, with every destination."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from glue import Actions, Catalog, UseCase, event, record
from infra.assets import Assets
from infra.settings import Settings
from infra.stacks.actions import ActionsStack
from infra.stacks.observability import ObservabilityStack
from infra.topology import Topology
from tests.infrastructure.conftest import Synthesis, templates


@event(key="gate", stream="passes")
class Pass:
    """Somebody went through."""

    gate: Annotated[str, "The gate."]


@record(key="subject", stream="actions")
class Greeting:
    """A greeting for whoever went through."""

    id: Annotated[str, "The action."]
    kind: Annotated[str, "Of what."]
    subject: Annotated[str, "The gate."]
    occurred_at: Annotated[datetime, "When."]


GATES = UseCase("gates", "Gates.", Path(), (Pass, Greeting), actions=Actions(Greeting))
CATALOG = Catalog((GATES,))
EVERYWHERE = {
    "ActionWebhook": "https://hooks.example.org/in",
    "ActionBus": "partners",
    "ActionTopic": "greetings",
}


def context(**more: str) -> dict[str, Any]:
    """cdk.json's, in one region."""
    file = Path(__file__).parents[2] / "cdk.json"
    return {**json.loads(file.read_text())["context"], "regions": "us-east-1", **more}


def synthesize(assets: Assets, out: Path, **more: str) -> Synthesis:
    """Its templates, and the report of the AWS Solutions checks."""
    app = cdk.App(outdir=str(out), context=context(**more))
    settings = Settings.parse(context(**more), CATALOG)
    stage = cdk.Stage(app, "sdp-us-east-1", env=cdk.Environment(region="us-east-1"))
    topology = Topology(settings.prefix, CATALOG, settings.applications)
    watch = ObservabilityStack(stage, "observability", topology=topology, settings=settings)
    ActionsStack(
        stage,
        "actions",
        topology=topology,
        topic=watch.topic,
        settings=settings,
        assets=assets,
    )
    cdk.Validations.of(stage).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    report = json.loads((out / "validation-report.json").read_text())
    return Synthesis(tuple(templates(out)), report["pluginReports"][0])
