"""Retraining: its budget and lock cannot be gone around, roles are narrow, endpoints serverless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.images import ACCOUNTS, training_image
from infra.settings import REGIONS, Settings
from infra.training import EVENTS_PER_POLL
from infra.workflow import FUNCTIONS, definition
from lambdas.training.locking import RUN_SECONDS
from tests.infrastructure.conftest import Synthesis, Template

MACHINE = definition({name: f"arn:{name}" for name in FUNCTIONS}, poll_seconds=5, minutes=120)
STATES: dict[str, dict[str, Any]] = MACHINE["States"]


@pytest.fixture
def ml(synthesis: Synthesis) -> Template:
    return synthesis.stack("sdp-us-east-1-ml")


def _next(state: dict[str, Any]) -> Iterator[str]:
    """Every state that may follow."""
    yield from (c["Next"] for c in state.get("Choices", []))
    yield from (c["Next"] for c in state.get("Catch", []))
    yield from (state[name] for name in ("Next", "Default") if name in state)


def _reached(without: str) -> set[str]:
    """What can be reached from the start if one state is taken out."""
    found, open_ = set[str](), [MACHINE["StartAt"]]
    while open_:
        name = open_.pop()
        if name not in found and name != without:
            found.add(name)
            open_ += _next(STATES[name])
    return found


def _function(ml: Template, entry: str) -> dict[str, Any]:
    handler = f"lambdas.training.handler.{entry}"
    (found,) = (f for f in ml.properties("AWS::Lambda::Function") if f["Handler"] == handler)
    return found


def _statements(ml: Template, role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in ml.properties("AWS::IAM::Policy")
        if any(role in r["Ref"] for r in policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _actions(statements: list[dict[str, Any]], service: str) -> set[str]:
    lists = [s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in statements]
    return {a for found in lists for a in found if a.startswith(f"{service}:")}


def test_every_state_leads_somewhere_and_is_reached() -> None:
    assert _reached("") == STATES.keys()
    for name, state in STATES.items():
        assert state["Type"] in ("Succeed", "Fail") or list(_next(state)), name


@pytest.mark.parametrize("gate", ["Lock", "IsHeld", "Prepare", "Reserve", "IsGranted"])
@pytest.mark.parametrize("job", ["Train", "Evaluate"])
def test_no_job_starts_without_the_lock_and_a_share_of_the_budget(gate: str, job: str) -> None:
    assert job in _reached("")
    assert job not in _reached(gate)


def test_a_poll_has_the_events_that_the_parameters_are_checked_with() -> None:
    # Entered and left for each; a function's task is also scheduled, started and succeeds.
    events = {"Wait": 2, "Task": 5, "Choice": 2}
    for name, state in STATES.items():
        if state["Type"] == "Wait":
            task = state["Next"]
            poll = [name, task, STATES[task]["Next"]]
            assert name in _next(STATES[poll[-1]])
            assert sum(events[STATES[s]["Type"]] for s in poll) == EVENTS_PER_POLL


def test_a_budget_that_is_spent_ends_the_run() -> None:
    (granted,) = STATES["IsGranted"]["Choices"]
    assert granted["BooleanEquals"] is True
    assert STATES["IsGranted"]["Default"] == "Finish"


@pytest.mark.parametrize("gate", ["Judge", "IsBetter"])
def test_nothing_is_deployed_without_a_verdict(gate: str) -> None:
    assert "Deploy" not in _reached(gate)
    assert "Promote" not in _reached("Try")


def test_a_run_that_a_switch_by_hand_has_overtaken_moves_nothing() -> None:
    first, second = STATES["IsOnItsWay"]["Choices"]
    assert (first["Variable"], first["Next"]) == ("$.deployment.superseded", "Finish")
    assert (second["Variable"], second["Next"]) == ("$.deployment.moving", "WaitForEndpoint")


def test_a_poll_of_the_endpoint_renews_its_lock_in_time() -> None:
    longest = Settings.parse({"trainingPollSeconds": "300"}).training.poll_seconds
    assert longest + 2 * 120 < RUN_SECONDS  # the step before and this one, each at its timeout


def test_every_task_is_a_function_that_is_repeated_and_whose_failure_rolls_back() -> None:
    tasks = {name: s for name, s in STATES.items() if s["Type"] == "Task"}
    for name, task in tasks.items():
        assert task["Resource"].startswith("arn:"), name
        assert task["Retry"][0]["MaxAttempts"] >= 4, name
        if name not in ("RollBack", "Finish"):
            assert [c["Next"] for c in task["Catch"]] == ["RollBack"], name


def test_a_run_always_gives_its_lock_back() -> None:
    assert {"Ended", "Failed"} & _reached("Finish") == set()


def test_the_machine_is_deployed_traced_and_logged(ml: Template) -> None:
    (machine,) = ml.properties("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineName"] == "sdp-adtech-retrain"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert '"Reserve"' in json.dumps(machine["DefinitionString"]).replace("\\", "")


def test_no_sagemaker_type_is_in_any_template(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        kinds = {r["Type"] for r in template.content["Resources"].values()}
        assert not [k for k in kinds if k.startswith("AWS::SageMaker")]


def test_the_workflow_is_told_the_budget_and_the_serverless_endpoint(ml: Template) -> None:
    admit = json.dumps(_function(ml, "admit")["Environment"])
    for name, value in (("runs_per_day", 8), ("minutes_per_day", 240), ("minutes_per_run", 60)):
        assert f'"{name}":{value}' in admit.replace("\\", "")
    release = json.dumps(_function(ml, "release")["Environment"]).replace("\\", "")
    assert '"memory_mib":2048' in release
    assert '"concurrency":10' in release


@pytest.mark.parametrize(
    ("action", "functions"),
    [("PutItem", ["Admit"]), ("UpdateItem", ["Admit", "Release"])],
)
def test_a_run_is_recorded_by_one_function_and_locked_by_the_two_that_need_it(
    ml: Template, action: str, functions: list[str]
) -> None:
    granted = {
        role: [s for s in _statements(ml, f"{role}Function") if not _announces(s)]
        for role in ("Admit", "Prepare", "Jobs", "Release", "Decide")
    }
    writes = f"dynamodb:{action}"
    assert functions == [r for r, all_ in granted.items() if writes in _actions(all_, "dynamodb")]


def _announces(statement: dict[str, Any]) -> bool:
    """Whether it is about the table by which the stream knows the champion."""
    return "sdp-adtech-definitions" in json.dumps(statement["Resource"])


def test_only_one_function_may_start_jobs_and_one_move_the_endpoint(ml: Template) -> None:
    granted = {
        role: _actions(_statements(ml, f"{role}Function"), "sagemaker")
        for role in ("Admit", "Prepare", "Jobs", "Release", "Decide", "Predict")
    }
    assert granted["Jobs"] == {"sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob"}
    assert granted["Predict"] == {"sagemaker:InvokeEndpoint"}
    assert [r for r, a in granted.items() if "sagemaker:UpdateEndpoint" in a] == ["Release"]
    assert not granted["Admit"] | granted["Prepare"] | granted["Decide"]


def test_the_models_role_is_passed_to_sagemaker_alone(ml: Template) -> None:
    passed = [
        statement
        for role in ("Admit", "Prepare", "Jobs", "Release", "Decide", "Predict")
        for statement in _statements(ml, f"{role}Function")
        if statement["Action"] == "iam:PassRole"
    ]
    assert len(passed) == 2
    for statement in passed:
        condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert statement["Condition"] == condition
        assert "ModelRole" in json.dumps(statement["Resource"])


def test_the_models_role_reads_the_rows_and_writes_the_models_only(ml: Template) -> None:
    statements = _statements(ml, "adtechModelRole")
    assert _actions(statements, "s3") == {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}
    (put,) = (s for s in statements if s["Action"] == "s3:PutObject")
    assert "/models/adtech/*" in json.dumps(put["Resource"])
    assert not _actions(statements, "sagemaker") | _actions(statements, "iam")


def test_predictions_want_the_key_and_say_where_they_are(ml: Template) -> None:
    assert "/predictions" in json.dumps(ml.outputs["UrlForPredictions"]["Value"])
    for method in ml.properties("AWS::ApiGateway::Method"):
        assert method.get("ApiKeyRequired", False) is (method["HttpMethod"] != "OPTIONS")


def test_alarms_watch_runs_predictions_and_the_endpoint(ml: Template) -> None:
    names = {a["MetricName"] for a in ml.properties("AWS::CloudWatch::Alarm")}
    assert names == {
        "5XXError",
        "Fallbacks",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "Invocation5XXErrors",
        "InvocationModelErrors",
    }


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_its_own_image(region: str) -> None:
    image = training_image(region, "")
    assert image.uri == f"{ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com/sagemaker-xgboost:3.2-0"
    mine = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1"
    assert training_image(region, mine).uri == mine
