"""The entry points of the state machine's tasks, and of what starts it.

A task's event is `{"step", "execution", "started", "state"}`: the step, the execution's name and
start, and the results of all earlier steps. A step's result is stored under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

import usecases
from glue.instants import parse
from glue.models import Model
from glue.parameters import parse_duration
from lambdas.adapters import clock
from lambdas.model_names import version_of
from lambdas.model_settings import ModelSettings
from lambdas.training import (
    admission,
    champion,
    deciding,
    jobs,
    judging,
    preparing,
    releasing,
    switching,
)
from lambdas.training.admission import Limits, Run
from lambdas.training.announcing import Announcer
from lambdas.training.deciding import Triggers, Watch
from lambdas.training.jobs import Container
from lambdas.training.locking import RUN_SECONDS, SWITCH_SECONDS, EndpointLock, RunRelease
from lambdas.training.preparing import Window
from lambdas.training.releasing import Release, Serving

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from lambdas.adapters.athena import AthenaLake
    from lambdas.adapters.executions import Executions
    from lambdas.adapters.ledger import DynamoLedger
    from lambdas.adapters.objects import BucketObjects
    from lambdas.adapters.sagemaker import SageMaker

Event = Mapping[str, Any]
Answer = dict[str, Any]
logger = Logger(service="training")


def admit(event: Event, context: LambdaContext) -> Answer:
    """Steps lock, reserve and finish: the only function that uses the budget."""
    run, limits = Run(event["execution"], parse(event["started"])), _limits()
    match event["step"]:
        case "lock":
            return admission.lock(_ledger(), _executions(), run, clock.now(), limits)
        case "reserve":
            return admission.reserve(_ledger(), run, limits)
        case _:
            return _logged(admission.finish(_ledger(), run, event["state"], clock.now()))


def prepare(event: Event, context: LambdaContext) -> Answer:
    """Step prepare: reads the lake, writes manifests."""
    settings = _settings()
    requested = event["state"].get("input", {})
    window = Window.of(requested, parse(event["started"]), settings.whole("days"))
    model = _model()
    return preparing.prepare(
        _lake(),
        _objects(),
        settings.names,
        version_of(event["execution"]),
        model.definition,
        settings.text("table"),
        window,
        settings.whole("sample_rows"),
    )


def run_jobs(event: Event, context: LambdaContext) -> Answer:
    """Steps train, evaluate and look: the only function with permission to start jobs."""
    names, version, state = _settings().names, version_of(event["execution"]), event["state"]
    match event["step"]:
        case "train":
            return jobs.start_training(_sagemaker(), _container(), names, version, state)
        case "evaluate":
            artifact = state.get("input", {}).get("artifact")
            source = artifact or names.job_output(version, jobs.TRAIN)
            _objects().copy(source, names.key(version, "model.tar.gz"))
            current = champion.read(_objects(), names)
            held = current.version if current else None
            started = jobs.start_evaluation(_sagemaker(), _container(), names, version, state, held)
            return {**started, "champion": held}
        case "look_train":
            name = state["train"]["name"]
            return jobs.look_at_training(_sagemaker(), _objects(), names, version, name)
        case step:
            return jobs.look(_sagemaker(), state[step.removeprefix("look_")]["name"])


def release(event: Event, context: LambdaContext) -> Answer:
    """Steps from the verdict to the endpoint; and switch and back, started by a person."""
    service, names = _release(), _settings().names
    if event["step"] in ("switch", "back"):
        return _logged(_switched(service, event, context))
    if event["step"] == "standing":
        return service.look(event["config"])
    version, state = version_of(event["execution"]), event["state"]
    lock = EndpointLock(_ledger(), event["execution"], clock.now, RUN_SECONDS)
    run = RunRelease(service, lock, version, state.get("evaluate", {}).get("champion"))
    if event["step"] in ("look", "try"):
        lock.require()
    steps: dict[str, Callable[[], Answer]] = {
        "judge": lambda: judging.judge(
            service.models, service.objects, names, version, service.serving.image
        ),
        "deploy": run.deploy,
        "look": lambda: service.look(state["deployment"]["config"]),
        "try": lambda: releasing.smoke_test(_endpoint(), names, _model(), version),
        "promote": lambda: run.promote(state["verdict"]["package_arn"]),
        "roll_back": lambda: run.roll_back(str(state.get("error"))),
    }
    return _logged(steps[event["step"]]())


def _switched(service: Release, event: Event, context: LambdaContext) -> Answer:
    """Manual: `switch` to a version, or `back` to the one before the champion."""
    return switching.switch(
        service,
        EndpointLock(_ledger(), f"by-hand-{context.aws_request_id}", clock.now, SWITCH_SECONDS),
        version=event.get("version"),
        force=bool(event.get("force")),
    )


def decide(event: Event, context: LambdaContext) -> Answer:
    """Scheduled: starts a run if there is a reason to."""
    settings, now = _settings(), clock.now()
    if admission.current(_ledger(), _executions(), now):
        return {"started": None, "reason": "a run is in progress"}
    triggers = _triggers()
    names, definition = settings.names, _model().definition
    watch = Watch(_lake(), _objects(), _ledger(), names, definition, settings.text("table"))
    facts = watch.facts(triggers, now)
    why = deciding.reason(facts, triggers, now)
    answer: Answer = {"started": None, "new_rows": facts.new_rows, "psi": facts.psi}
    if why:
        name, payload = (
            deciding.execution_name(why, now),
            deciding.execution_input(why, facts, now),
        )
        _executions().start(name, payload)
        answer["started"] = name
    return _logged(answer)


def _logged(answer: Answer) -> Answer:
    logger.info("step", extra={"answer": answer})
    return answer


@cache
def _settings() -> ModelSettings:
    return ModelSettings.from_environment()


@cache
def _model() -> Model:
    (use_case,) = usecases.load((_settings().text("use_case"),)).use_cases
    model = use_case.model
    assert model is not None, "only use cases with a model are deployed here"
    return model


def _limits() -> Limits:
    settings = _settings()
    return Limits(
        runs_per_day=settings.whole("runs_per_day"),
        minutes_per_day=settings.whole("minutes_per_day"),
        minutes_per_run=settings.whole("minutes_per_run"),
        lock_minutes=settings.whole("lock_minutes"),
    )


def _triggers() -> Triggers:
    settings = _settings()
    return Triggers(
        every=parse_duration(settings.text("every")) or timedelta(days=1),
        rows=settings.whole("rows"),
        psi=settings.number("psi"),
        least=settings.whole("least"),
        days=settings.whole("days"),
    )


def _container() -> Container:
    settings = _settings()
    return Container(
        image=settings.text("image"),
        code=settings.text("code"),
        role=settings.text("role"),
        instance=settings.text("instance"),
        max_minutes=settings.whole("minutes_per_job"),
        sample_rows=settings.whole("sample_rows"),
    )


@cache
def _release() -> Release:
    settings = _settings()
    serving = Serving(
        image=settings.text("image"),
        role=settings.text("role"),
        memory_mib=settings.whole("memory_mib"),
        concurrency=settings.whole("concurrency"),
    )
    return Release(_sagemaker(), _objects(), settings.names, serving, _announcer())


def _announcer() -> Announcer:
    settings = _settings()
    from lambdas.adapters.definitions import DynamoDefinitions

    return Announcer(
        DynamoDefinitions(),
        settings.text("definitions"),
        _model().name,
        settings.whole("lead_ms"),
        _objects(),
        settings.names,
    )


# Each function creates its clients at its first call.


@cache
def _sagemaker() -> SageMaker:
    from lambdas.adapters.sagemaker import SageMaker

    return SageMaker()


@cache
def _endpoint() -> Any:
    from lambdas.adapters.endpoint import SageMakerEndpoint

    return SageMakerEndpoint(read_timeout=60)  # the first call of a serverless endpoint is slow


@cache
def _objects() -> BucketObjects:
    from lambdas.adapters.objects import BucketObjects, client

    return BucketObjects(
        client(connect_seconds=2, read_seconds=20, attempts=4), _settings().text("bucket")
    )


@cache
def _lake() -> AthenaLake:
    from lambdas.adapters.athena import AthenaLake

    return AthenaLake(_settings().text("database"), _settings().text("workgroup"))


@cache
def _ledger() -> DynamoLedger:
    from lambdas.adapters.ledger import DynamoLedger

    return DynamoLedger(_settings().text("ledger"), _settings().text("use_case"))


@cache
def _executions() -> Executions:
    from lambdas.adapters.executions import Executions

    return Executions(_settings().text("state_machine"))
