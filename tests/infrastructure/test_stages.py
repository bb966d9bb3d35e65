"""Which stacks there are, and what they say about themselves."""

import json
from pathlib import Path

import pytest

import usecases
from glue.errors import ParameterError
from glue.parameters import together
from infra.assets import AssetError, Assets
from infra.settings import REGIONS, Settings
from tests.infrastructure.conftest import Synthesis

PURPOSES = (
    "observability",
    "ingestion",
    "processing",
    "reporting",
    "lake",
    "ml",
    "definitions",
    "dashboard",
)
ROOT = Path(__file__).parents[2]


def test_each_region_has_every_stack(synthesis: Synthesis) -> None:
    expected = {f"sdp-{region}-{purpose}" for region in REGIONS for purpose in PURPOSES}
    assert {t.name for t in synthesis.templates} == expected


def test_the_outputs_say_where_the_platform_is(synthesis: Synthesis) -> None:
    ingestion = synthesis.stack("sdp-eu-west-1-ingestion").outputs
    reporting = synthesis.stack("sdp-eu-west-1-reporting").outputs
    assert {"UrlForAPI", "ApiKeyId"} <= ingestion.keys()
    assert {"UrlForReports"} <= reporting.keys()
    processing = synthesis.stack("sdp-eu-west-1-processing").outputs
    defaults = together(usecases.load(("adtech",)).configured({}))
    assert {name: processing[name]["Value"] for name in defaults} == defaults
    assert ".execute-api.eu-west-1." in json.dumps(ingestion["UrlForAPI"]["Value"])


def test_no_template_names_an_account(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        for value in template.outputs.values():
            assert "unknown-account" not in json.dumps(value)


def test_the_defaults_of_cdk_json_are_the_platforms() -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert Settings.parse(context) == Settings.parse({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CorrelationWindow", "soon"),
        ("AggregationPeriod", "PT7M"),
        ("prefix", "Sdp"),
        ("prefix", "a" * 21),
        ("regions", "us-east-1,mars"),
        ("removal", "maybe"),
        ("streamShards", "0"),
        ("streamShards", "many"),
        ("streamRetentionHours", "1"),
        ("resultShards", "few"),
        ("resultRetentionHours", "23"),
        ("logRetentionDays", "2"),
        ("rateLimit", "-1"),
        ("ingestConcurrency", "-1"),
        ("reportsConcurrency", "few"),
        ("predictionsConcurrency", "1.5"),
        ("flinkAutoscaling", "perhaps"),
        ("lakeBufferSeconds", "901"),
        ("lakeClosedAfter", "soon"),
        ("lakeGrace", "PT30M"),
        ("lakeFileMiB", "7"),
        ("lakeRawDays", "never"),
        ("lakeParquetDays", "0"),
        ("lakeErrorDays", "-3"),
        ("lakeReplacedDays", "forever"),
        ("athenaResultDays", "0"),
        ("athenaScanLimitMiB", "9"),
        ("alarmEmail", "somebody"),
        ("CorelationWindow", "PT1H"),
        ("trainingInstance", "m5.large"),
        ("trainingsPerDay", "0"),
        ("trainingMinutesPerDay", "10"),
        ("trainingRows", "9999"),
        ("retrainEvery", "P1M"),
        ("retrainEvery", "PT0S"),
        ("retrainDrift", "0"),
        ("endpointMemoryMiB", "1000"),
        ("endpointMaxConcurrency", "201"),
    ],
)
def test_a_bad_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ParameterError, match=name):
        Settings.parse({name: value})


@pytest.mark.parametrize(("minutes", "least"), [("10", 2), ("30", 3), ("1440", 67)])
def test_polls_that_exceed_the_history_of_an_execution_are_refused(
    minutes: str, least: int
) -> None:
    chosen = {"trainingMaxMinutes": minutes, "trainingMinutesPerDay": "100000"}
    with pytest.raises(ParameterError, match=f"trainingPollSeconds={least - 1}: .*{least} seconds"):
        Settings.parse({**chosen, "trainingPollSeconds": str(least - 1)})
    assert Settings.parse({**chosen, "trainingPollSeconds": str(least)})


def test_a_boolean_of_the_context_file_is_taken_as_its_text() -> None:
    (scale,) = Settings.parse({"flinkAutoscaling": False}).scales.values()
    assert not scale.autoscaling


def test_what_is_not_built_is_named_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="lambdas/bundle is missing; build it with 'make build'"):
        Assets.built(tmp_path)
    (tmp_path / "build/lambdas/bundle").mkdir(parents=True)
    with pytest.raises(AssetError, match="lambdas/lake is missing; build it with 'make build'"):
        Assets.built(tmp_path)
    (tmp_path / "build/lambdas/lake").mkdir()
    with pytest.raises(AssetError, match="lambdas/definitions is missing; build it with"):
        Assets.built(tmp_path)
    (tmp_path / "build/lambdas/definitions").mkdir()
    with pytest.raises(AssetError, match="build/dashboard is missing"):
        Assets.built(tmp_path)
    (tmp_path / "build/dashboard").mkdir()
    with pytest.raises(AssetError, match="build/ml is missing"):
        Assets.built(tmp_path)
    (tmp_path / "build/ml").mkdir()
    with pytest.raises(AssetError, match=r"analytics\.zip is missing"):
        Assets.built(tmp_path)
