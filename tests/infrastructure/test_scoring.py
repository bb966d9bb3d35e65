"""A model where there are definitions: promotion writes to the table, the stream reads models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest

import usecases
from glue import Catalog
from glue.definitions import THRESHOLD, definitions
from infra.assets import Assets
from infra.settings import Settings
from infra.stage import add_stages
from tests.infrastructure.conftest import Template, templates
from tests.infrastructure.grants import role_of, roles
from usecases.adtech.records import Transaction


@pytest.fixture(scope="module")
def deployed(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The stacks of ad tech as if it had definitions, by name."""
    (adtech,) = usecases.load(("adtech",)).use_cases
    declared = definitions(THRESHOLD, event=Transaction, events={"closed": ()})
    catalog = Catalog((replace(adtech, definitions=declared),))
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    context |= {"regions": "us-east-1", "DefinitionsLead": "PT1M"}
    out = tmp_path_factory.mktemp("scoring")
    app = cdk.App(outdir=str(out), context=context)
    settings = Settings.parse(context, catalog)
    add_stages(app, catalog=catalog, settings=settings, assets=assets)
    app.synth()
    return {template.name: template for template in templates(out)}


def test_the_function_that_promotes_writes_to_the_table(deployed: dict[str, Template]) -> None:
    ml = deployed["sdp-us-east-1-ml"]
    functions = ml.properties("AWS::Lambda::Function")
    release = next(f for f in functions if f["Handler"].endswith("training.handler.release"))
    environment = json.dumps(release["Environment"]).replace("\\", "")
    assert '"definitions":"sdp-adtech-definitions"' in environment
    assert '"lead_ms":60000' in environment
    for action in ("GetItem", "PutItem", "UpdateItem"):
        tables = role_of(ml, release).on(f"dynamodb:{action}")
        assert any(table.endswith("table/sdp-adtech-definitions") for table in tables)
    others = [f for f in functions if f is not release and "training" in f["Handler"]]
    assert others
    for function in others:
        grants = role_of(ml, function).grants
        assert not [g for g in grants if g.resource.endswith("sdp-adtech-definitions")]


def test_the_stream_reads_the_models_of_its_use_case_alone(deployed: dict[str, Template]) -> None:
    processing = deployed["sdp-us-east-1-processing"]
    (job,) = [r for r in roles(processing) if r.service == "kinesisanalytics.amazonaws.com"]
    (objects,) = [folder for folder in job.on("s3:GetObject") if "models" in folder]
    assert objects.endswith("/models/adtech/*")
