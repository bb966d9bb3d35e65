"""The retraining state machine in the Amazon States Language, as plain data.

Every task is a function; every wait is a Wait state and a check. A step's result is stored under
its own name, so that later steps and a repeated one see it.

    lock → prepare → reserve → train → evaluate → judge → deploy → try → promote → finish
                                                                    └─ on failure: roll back ─┘
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

State = dict[str, Any]
ADMIT, PREPARE, JOBS, RELEASE = "admit", "prepare", "jobs", "release"
FUNCTIONS = (ADMIT, PREPARE, JOBS, RELEASE)
_RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4}]
# An update of an endpoint takes minutes, and cannot be reverted before it is done.
_PATIENT = [
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 15, "BackoffRate": 1, "MaxAttempts": 40}
]


def definition(functions: Mapping[str, str], *, poll_seconds: int, minutes: int) -> State:
    """The state machine. `functions`: the ARN of each of FUNCTIONS; `minutes` a run at most."""
    task, wait = _Tasks(functions), _wait(poll_seconds)
    states: dict[str, State] = {
        "Begin": {"Type": "Pass", "Parameters": {"input.$": "$"}, "Next": "Lock"},
        "Lock": task(ADMIT, "lock", "lock", "IsHeld"),
        "IsHeld": _choice({"$.lock.held": (True, "Prepare")}, "Finish"),
        "Prepare": task(PREPARE, "prepare", "data", "IsThereData"),
        "IsThereData": _choice({"$.data.status": ("ready", "Reserve")}, "Finish"),
        "Reserve": task(ADMIT, "reserve", "budget", "IsGranted"),
        "IsGranted": _choice({"$.budget.granted": (True, "IsGiven")}, "Finish"),
        "IsGiven": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.input.artifact", "IsPresent": True, "Next": "Evaluate"}],
            "Default": "Train",
        },
        "Train": task(JOBS, "train", "train", "WaitForTraining"),
        "WaitForTraining": wait("LookAtTraining"),
        "LookAtTraining": task(JOBS, "look_train", "training", "TrainingEnded"),
        "TrainingEnded": _statuses(
            "training",
            {"Completed": "Evaluate", "InProgress": "WaitForTraining", "NoModel": "Finish"},
        ),
        "TrainingFailed": _failure("training"),
        "Evaluate": task(JOBS, "evaluate", "evaluate", "WaitForEvaluation"),
        "WaitForEvaluation": wait("LookAtEvaluation"),
        "LookAtEvaluation": task(JOBS, "look_evaluate", "evaluation", "EvaluationEnded"),
        "EvaluationEnded": _statuses(
            "evaluation", {"Completed": "Judge", "InProgress": "WaitForEvaluation"}
        ),
        "EvaluationFailed": _failure("evaluation"),
        "Judge": task(RELEASE, "judge", "verdict", "IsBetter"),
        "IsBetter": _choice({"$.verdict.promote": (True, "Deploy")}, "Finish"),
        "Deploy": task(RELEASE, "deploy", "deployment", "IsOnItsWay"),
        "IsOnItsWay": _choice(
            {
                "$.deployment.superseded": (True, "Finish"),
                "$.deployment.moving": (False, "WaitForEndpoint"),
            },
            "WaitToDeploy",
        ),
        "WaitToDeploy": wait("Deploy"),
        "WaitForEndpoint": wait("LookAtEndpoint"),
        "LookAtEndpoint": task(RELEASE, "look", "endpoint", "EndpointEnded"),
        "EndpointEnded": _statuses("endpoint", {"InService": "Try", "Moving": "WaitForEndpoint"}),
        "EndpointFailed": _failure("endpoint"),
        "Try": task(RELEASE, "try", "trial", "Promote"),
        "Promote": task(RELEASE, "promote", "promotion", "Finish"),
        "RollBack": {
            **task(RELEASE, "roll_back", "rollback", "Finish"),
            "Retry": _PATIENT,
            "Catch": [_catch("rollback", "Finish")],
        },
        "Finish": task.last(ADMIT, "finish", "HowItEnded"),
        "HowItEnded": _choice({"$.status": ("failed", "Failed")}, "Ended"),
        "Failed": {"Type": "Fail", "Error": "RunFailed", "CausePath": "$.cause"},
        "Ended": {"Type": "Succeed"},
    }
    return {
        "Comment": "Retrains a model and puts it in service only if it is better",
        "StartAt": "Begin",
        "TimeoutSeconds": 60 * minutes,
        "States": states,
    }


class _Tasks:
    """Makes Task states of the functions."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        self._functions = functions

    def __call__(self, function: str, step: str, result: str, following: str) -> State:
        """Its result is stored under `result`; a permanent failure leads to the roll-back."""
        return {
            **self.last(function, step, following),
            "ResultPath": f"$.{result}",
            "Catch": [_catch("error", "RollBack")],
        }

    def last(self, function: str, step: str, following: str) -> State:
        """Its result replaces the state."""
        return {
            "Type": "Task",
            "Resource": self._functions[function],
            "Parameters": {
                "step": step,
                "execution.$": "$$.Execution.Name",
                "started.$": "$$.Execution.StartTime",
                "state.$": "$",
            },
            "Retry": _RETRY,
            "Next": following,
        }


def _wait(seconds: int) -> Any:
    return lambda following: {"Type": "Wait", "Seconds": seconds, "Next": following}


def _choice(case: Mapping[str, tuple[bool | str, str]], default: str) -> State:
    """Variable → (value, next state)."""
    choices = [
        {
            "Variable": variable,
            ("BooleanEquals" if isinstance(value, bool) else "StringEquals"): value,
            "Next": following,
        }
        for variable, (value, following) in case.items()
    ]
    return {"Type": "Choice", "Choices": choices, "Default": default}


def _statuses(name: str, cases: Mapping[str, str]) -> State:
    """Status → next state; any other has failed."""
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": f"$.{name}.status", "StringEquals": status, "Next": following}
            for status, following in cases.items()
        ],
        "Default": f"{name.title()}Failed",
    }


def _failure(name: str) -> State:
    """The error in the form of a failed task."""
    return {
        "Type": "Pass",
        "Parameters": {"Error": f"{name.title()}Failed", "Cause.$": f"$.{name}.reason"},
        "ResultPath": "$.error",
        "Next": "RollBack",
    }


def _catch(result: str, following: str) -> State:
    return {"ErrorEquals": ["States.ALL"], "ResultPath": f"$.{result}", "Next": following}
