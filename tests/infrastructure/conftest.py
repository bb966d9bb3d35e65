"""One synthesis for the whole session, with assets as small as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

import usecases
from infra.assets import Assets
from infra.settings import Settings
from infra.stage import add_stages


@dataclass(frozen=True)
class Template:
    """A synthesised stack: its resources by type, and its outputs."""

    name: str
    content: dict[str, Any]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a CloudFormation type, by logical id."""
        resources = self.content["Resources"]
        return {k: r for k, r in resources.items() if r["Type"] == kind}

    def properties(self, kind: str) -> list[dict[str, Any]]:
        """The properties of all resources of a type."""
        return [r.get("Properties", {}) for r in self.all(kind).values()]

    @property
    def policies(self) -> dict[str, dict[str, Any]]:
        """The policies of roles, by logical id: what is too much for one overflows into another."""
        return {
            name: resource["Properties"]
            for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for name, resource in self.all(kind).items()
        }

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, those for other stacks included."""
        return dict(self.content.get("Outputs", {}))


@dataclass(frozen=True)
class Synthesis:
    """What `cdk synth` leaves: all templates, and the report of the AWS Solutions checks."""

    templates: tuple[Template, ...]
    checks: dict[str, Any]

    def stack(self, name: str) -> Template:
        """The template of that CloudFormation stack name."""
        return next(t for t in self.templates if t.name == name)


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    """Placeholders: folders with one file, and a file."""
    root = tmp_path_factory.mktemp("assets")
    for folder in ("bundle", "lake", "ml", "definitions", "page"):
        (root / folder).mkdir()
        (root / folder / "here.py").touch()
    (root / "analytics.zip").write_bytes(b"zip")
    for use_case in usecases.load().use_cases:
        if use_case.model is not None:
            (root / f"ml/{use_case.name}.tar.gz").write_bytes(b"tar")
    operators = {
        name: {"operators": [{"id": "a" * 32, "former": "", "layout": "", "label": "the JOIN"}]}
        for name in ("adtech", "doors", "parcels", "rides")
    }
    (root / "state.json").write_text(json.dumps(operators))
    return Assets(
        root / "bundle",
        root / "analytics.zip",
        root / "lake",
        root / "ml",
        root / "state.json",
        root / "definitions",
        root / "page",
    )


@pytest.fixture(scope="session")
def synthesis(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Every stage of the deployment as cdk.json has it."""
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    out = tmp_path_factory.mktemp("cdk.out")
    app = cdk.App(outdir=str(out), context=context)
    stages = add_stages(
        app, catalog=usecases.load(("adtech",)), settings=Settings.parse(context), assets=assets
    )
    # The stages differ in their region alone, so one of them is checked.
    cdk.Validations.of(stages[0]).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    report = json.loads((out / "validation-report.json").read_text())
    return Synthesis(tuple(templates(out)), report["pluginReports"][0])


@pytest.fixture(scope="session")
def dispatching(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The stack of actions with every destination; no use case of cdk.json has one."""
    from tests.infrastructure.dispatching import EVERYWHERE, synthesize

    return synthesize(assets, tmp_path_factory.mktemp("dispatching"), **EVERYWHERE)


@pytest.fixture(scope="session")
def both(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> list[Template]:
    """The stacks of one region with every use case of the catalog."""
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    context |= {"regions": "us-east-1", "useCases": ",".join(usecases.NAMES)}
    out = tmp_path_factory.mktemp("both")
    app = cdk.App(outdir=str(out), context=context)
    add_stages(app, catalog=usecases.load(), settings=Settings.parse(context), assets=assets)
    app.synth()
    return list(templates(out))


def templates(out: Path) -> Iterator[Template]:
    """Every stack of a synthesis."""
    for manifest in sorted(out.glob("assembly-*/manifest.json")):
        for artifact in json.loads(manifest.read_text())["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                content = (manifest.parent / properties["templateFile"]).read_text()
                yield Template(properties["stackName"], json.loads(content))
