"""One Flink application for each use case, or several in one: what each has, and what it may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import usecases
from glue import Catalog
from glue.errors import ParameterError
from infra import costs
from infra.applications import Application, parse
from infra.assets import Assets
from infra.costs import Costs, Load
from infra.settings import Settings
from infra.stage import add_stages
from infra.topology import Topology
from tests.infrastructure.conftest import Synthesis, Template, templates
from tests.infrastructure.grants import role_of, roles, text
from tests.usecases import doors

ROOT = Path(__file__).parents[2]
APPLICATION = "AWS::KinesisAnalyticsV2::Application"
RUNNING = "Custom::FlinkApplicationRunning"
CATALOG = Catalog((usecases.load().use_case("adtech"), doors.USE_CASE))
Stacks = dict[str, Template]


@pytest.fixture(scope="module")
def deployed(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Stacks]:
    """The stacks of one region with two use cases and these settings, by purpose."""

    def synthesise(**chosen: str) -> Stacks:
        out = tmp_path_factory.mktemp("applications")
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        context |= {"regions": "us-east-1", **chosen}
        settings = Settings.parse(context, CATALOG)
        app = cdk.App(outdir=str(out), context=context)
        add_stages(app, catalog=CATALOG, settings=settings, assets=assets)
        app.synth()
        return {t.name.removeprefix("sdp-us-east-1-"): t for t in templates(out)}

    return synthesise


@pytest.fixture(scope="module")
def apart(deployed: Callable[..., Stacks]) -> Stacks:
    """One application each; that of doors has settings of its own."""
    own = {"doors.flinkParallelism": "8", "doors.flinkAutoscaling": "false"}
    return deployed(**own, **{"doors.Refusals": "5", "doors.MaxAmount": "9"})


@pytest.fixture(scope="module")
def joined(deployed: Callable[..., Stacks]) -> Stacks:
    """Both in the application that deployments had before there was one for each use case."""
    return deployed(applications="analytics=adtech+doors")


def _by_name(stacks: Stacks) -> dict[str, dict[str, Any]]:
    found = stacks["processing"].properties(APPLICATION)
    return {a["ApplicationName"]: a["ApplicationConfiguration"] for a in found}


def _groups(configuration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    groups = configuration["EnvironmentProperties"]["PropertyGroups"]
    return {g["PropertyGroupId"]: g["PropertyMap"] for g in groups}


def _role(stacks: Stacks, application: str) -> set[str]:
    """The streams that an application's role may use."""
    (properties,) = (
        a
        for a in stacks["processing"].properties(APPLICATION)
        if a["ApplicationName"] == application
    )
    name = properties["ServiceExecutionRole"]["Fn::GetAtt"][0]
    role = next(r for r in roles(stacks["processing"]) if r.name == name)
    granted = {g.resource for g in role.grants if g.action.startswith("kinesis:")}
    return {resource.rpartition("/")[2] for resource in granted}


def _streams(stacks: Stacks) -> set[str]:
    return {s["Name"] for s in stacks["ingestion"].properties("AWS::Kinesis::Stream")}


def test_each_use_case_has_an_application_with_its_own_streams_and_parameters(
    apart: Stacks,
) -> None:
    applications = _by_name(apart)
    assert sorted(applications) == ["sdp-adtech", "sdp-doors"]
    groups = _groups(applications["sdp-doors"])
    own = {"sdp", "sdp.doors", "sdp-state"}
    assert groups.keys() == {"kinesis.analytics.flink.run.options", *own}
    assert groups["sdp"] == {
        "use_cases": "doors",
        "region": "us-east-1",
        "AggregationPeriod": "PT5M",
        "MaxAmount": "9",
        "WatermarkDelay": "PT5S",
        "Refusals": "5",
        "EntryWindow": "PT10M",
    }
    assert all(key.startswith("stream.doors.") for key in groups["sdp.doors"])
    adtech = _groups(applications["sdp-adtech"])
    assert adtech["sdp"]["use_cases"] == "adtech"
    assert adtech["sdp"]["MaxAmount"] == "1000000000000"
    assert "Refusals" not in adtech["sdp"]


def test_two_use_cases_in_one_application_share_it(joined: Stacks) -> None:
    applications = _by_name(joined)
    assert sorted(applications) == ["sdp-analytics"]
    groups = _groups(applications["sdp-analytics"])
    assert groups["sdp"]["use_cases"] == "adtech,doors"
    assert {"sdp.adtech", "sdp.doors"} <= groups.keys()
    assert _role(joined, "sdp-analytics") == _streams(joined)


def test_no_application_may_read_or_write_a_stream_of_anothers_use_case(apart: Stacks) -> None:
    streams = _streams(apart)
    for name in ("adtech", "doors"):
        own = {stream for stream in streams if stream.startswith(f"sdp-{name}-")}
        assert own
        assert _role(apart, f"sdp-{name}") == own


def test_each_has_its_own_parallelism_and_scaling(apart: Stacks) -> None:
    scales = {
        name: configuration["FlinkApplicationConfiguration"]["ParallelismConfiguration"]
        for name, configuration in _by_name(apart).items()
    }
    assert scales["sdp-doors"]["Parallelism"] == 8
    assert scales["sdp-doors"]["AutoScalingEnabled"] is False
    assert scales["sdp-adtech"]["Parallelism"] == 2
    assert scales["sdp-adtech"]["AutoScalingEnabled"] is True


def test_each_has_its_own_alarms_log_and_custom_resource(apart: Stacks) -> None:
    processing = apart["processing"]
    alarms = processing.all("AWS::CloudWatch::Alarm")
    states = processing.all(RUNNING)
    watched: dict[str, int] = {}
    for alarm in alarms.values():
        stats = [m["MetricStat"]["Metric"] for m in alarm["Properties"].get("Metrics", ())[1:]]
        (metric,) = stats or [alarm["Properties"]]
        (name,) = (d["Value"] for d in metric["Dimensions"])
        assert name in alarm["Properties"]["AlarmDescription"]
        (state,) = set(alarm["DependsOn"]) & states.keys()
        assert states[state]["Properties"]["ApplicationName"] == name
        watched[name] = watched.get(name, 0) + 1
    assert watched == {"sdp-adtech": 4, "sdp-doors": 4}
    logged = processing.properties("AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption")
    groups = {json.dumps(o["CloudWatchLoggingOption"]["LogStreamARN"]) for o in logged}
    assert sorted(o["ApplicationName"] for o in logged) == ["sdp-adtech", "sdp-doors"]
    assert len(groups) == 2


def test_the_custom_resources_share_one_pair_of_functions(
    apart: Stacks, synthesis: Synthesis
) -> None:
    one = synthesis.stack("sdp-us-east-1-processing").all("AWS::Lambda::Function")
    assert apart["processing"].all("AWS::Lambda::Function").keys() == one.keys()


def test_the_functions_may_stop_an_application_until_its_custom_resource_is_gone(
    apart: Stacks,
) -> None:
    """An update that removes a use case changes policies first, and deletes afterwards."""
    processing = apart["processing"]
    for state in processing.all(RUNNING).values():
        name = state["Properties"]["ApplicationName"]
        own = {
            key
            for key, policy in processing.all("AWS::IAM::Policy").items()
            if "StopApplication" in json.dumps(policy)
            and text(policy["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]).endswith(
                f"/{name}"
            )
        }
        assert len(own) == 1
        assert own <= set(state["DependsOn"])


def test_the_functions_may_still_stop_the_application_of_an_older_deployment(
    apart: Stacks,
) -> None:
    processing = apart["processing"]
    handlers = ("on_event", "is_complete")
    for function in processing.properties("AWS::Lambda::Function"):
        if str(function["Handler"]).endswith(handlers):
            described = role_of(processing, function).on("kinesisanalytics:DescribeApplication")
            names = {resource.rpartition("/")[2] for resource in described}
            assert names == {"sdp-adtech", "sdp-doors", "sdp-analytics"}


def test_no_stack_imports_from_another_what_belongs_to_one_use_case(apart: Stacks) -> None:
    """CloudFormation removes no export that is imported: the use case could not be removed."""
    for template in apart.values():
        imported = json.dumps(template.content).split('{"Fn::ImportValue": "')[1:]
        for name in (part.partition('"')[0] for part in imported):
            assert "adtech" not in name, template.name
            assert "doors" not in name, template.name


def test_a_stack_that_knows_streams_by_name_is_deployed_after_them(
    assets: Assets,
) -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"regions": "us-east-1"}
    app = cdk.App(context=context)
    settings = Settings.parse(context, CATALOG)
    (stage,) = add_stages(app, catalog=CATALOG, settings=settings, assets=assets)
    for stack in (stage.processing, stage.reporting, stage.lake):
        assert stage.ingestion in stack.dependencies


def test_an_update_keeps_the_exports_that_released_stacks_import(joined: Stacks) -> None:
    """Ingestion is updated before the stacks that import them."""
    released = json.loads((Path(__file__).parent / "released.json").read_text())
    outputs = joined["ingestion"].outputs
    assert set(released["exports"]) <= outputs.keys()


def test_an_update_replaces_nothing_that_has_a_name_or_state(joined: Stacks) -> None:
    """A resource is replaced where its logical id changes: its new name would be taken."""
    released = json.loads((Path(__file__).parent / "released.json").read_text())
    for purpose, resources in released["resources"].items():
        current = joined[purpose].content["Resources"]
        kept = {key: current[key]["Type"] for key in resources if key in current}
        assert kept == resources


def test_the_deployment_states_its_use_cases_and_applications(
    apart: Stacks, joined: Stacks
) -> None:
    def outputs(stacks: Stacks) -> list[str]:
        found = stacks["processing"].outputs
        return [found[name]["Value"] for name in ("UseCases", "Applications")]

    assert outputs(apart) == ["adtech,doors", "adtech=adtech,doors=doors"]
    assert outputs(joined) == ["adtech,doors", "analytics=adtech+doors"]


def test_every_function_knows_which_use_cases_are_deployed(apart: Stacks) -> None:
    for template in apart.values():
        for function in template.properties("AWS::Lambda::Function"):
            if str(function["Handler"]).startswith("lambdas."):
                assert function["Environment"]["Variables"]["SDP_USE_CASES"] == "adtech,doors"


@pytest.mark.parametrize(
    ("chosen", "kpus"),
    [
        ({}, 6),
        ({"applications": "all=adtech+doors"}, 3),
        ({"doors.flinkParallelism": "8", "doors.flinkParallelismPerKPU": "2"}, 8),
    ],
)
def test_each_application_costs_its_own_kpus_and_one_for_orchestration(
    chosen: dict[str, str], kpus: int
) -> None:
    settings = Settings.parse(chosen, CATALOG)
    topology = Topology("sdp", CATALOG, settings.applications)
    prices = costs.read_prices()["prices"]
    assert Costs(topology, settings, Load(100), 0, prices).kpus == kpus


# --- what is refused

DEPLOYED = ["adtech", "doors"]
KNOWN = [*DEPLOYED, "rides"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("adtech", ["adtech"]), ("doors", ["doors"])]),
        ("old=adtech", [("old", ["adtech"]), ("doors", ["doors"])]),
        ("all=doors+adtech", [("all", ["doors", "adtech"])]),
        ("a-1=doors, b_2=adtech", [("b_2", ["adtech"]), ("a-1", ["doors"])]),
        ("doors=adtech adtech=doors", [("doors", ["adtech"]), ("adtech", ["doors"])]),
    ],
)
def test_applications_are_read_from_the_setting(
    text: str, expected: list[tuple[str, list[str]]]
) -> None:
    assert parse(text, DEPLOYED, KNOWN) == tuple(Application(n, tuple(u)) for n, u in expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("all", "NAME=use_case"),
        ("all=", "NAME=use_case"),
        ("all=adtech+", "NAME=use_case"),
        ("All=adtech", "lower case letters"),
        (f"{'a' * 41}=adtech", "1 to 40"),
        ("all=adtech+shops", "use case 'shops' is not in the catalog; use cases: adtech, doors"),
        ("all=adtech+rides", "'rides' is not deployed: add it to useCases, now adtech, doors"),
        ("all=adtech+adtech", "'adtech' is named twice"),
        ("a=adtech,b=adtech", "'adtech' is named twice"),
        ("a=adtech,a=doors", "two applications would be named 'a'"),
        ("doors=adtech", "two applications would be named 'doors'"),
    ],
)
def test_a_wrong_application_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text, DEPLOYED, KNOWN)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("rides.flinkParallelism", "unknown application; applications: all"),
        ("doors.flinkParallelism", "runs in the application 'all'; set all.flinkParallelism"),
        ("all.rateLimit", "not a setting of one application; those are flinkAutoscaling"),
        ("all.flinkParallelism", "all.flinkParallelism=many: must be a whole number from 1"),
        ("applications", "applications=many: must be NAME=use_case"),
        ("doors.Windows", "unknown parameter"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(key: str, problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        Settings.parse({"applications": "all=adtech+doors", key: "many"}, CATALOG)


@pytest.mark.parametrize("text", ["", " , ", "adtech adtech", "adtech,shops", "Adtech"])
def test_an_unknown_or_repeated_use_case_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ParameterError, match=r"useCases=.*: must"):
        Settings.parse({"useCases": text})
    assert Settings.parse({"useCases": " adtech,"}).use_cases == ("adtech",)


def test_the_settings_of_a_use_case_that_is_not_deployed_may_stay_in_the_file() -> None:
    context = {"adtech.flinkParallelism": "8", "adtech.MaxAmount": "7"}
    assert Settings.parse(context, Catalog((doors.USE_CASE,))).use_cases == ("doors",)
