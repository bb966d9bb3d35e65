"""Bringing the platform up and down, one reported step after the other."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from sdpctl.clock import now, pause
from sdpctl.errors import CommandError
from sdpctl.local import (
    aws,
    demonstration,
    deploy,
    emulator,
    flink_status,
    outputs,
    revision,
    running,
    workers,
)
from sdpctl.local.applications import applications
from sdpctl.local.applications import start as start_application
from sdpctl.local.mqtt import service as mqtt
from sdpctl.local.processes import free_port, last_lines, port_is_free, require_port
from sdpctl.local.sagemaker import service as sagemaker
from sdpctl.settings import Settings

PARAMETERS = deploy.LOCAL  # what this machine sets, unless it is given
JOB_SECONDS = 180
WARM_SECONDS = 240
RESULT_SECONDS = 60
BROKER_SECONDS = 60
AGAIN = (429, 500, 502, 503, 504)


class Steps:
    """Shows each step with the time it took; a failing one with its name and reason."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)

    def __call__(self, title: str, work: Callable[[], Any]) -> Any:
        """Run one step and return its result."""
        with self._shown(title) as note:
            result = work()
            note.append(" (nothing to do)" if result is False else "")
        return result

    @contextmanager
    def _shown(self, title: str) -> Iterator[list[str]]:
        started, note = time.monotonic(), list[str]()
        try:
            with self.console.status(title):
                yield note
        except Exception:
            self.console.print(f"[red]✗[/] {title} failed after {time.monotonic() - started:.1f} s")
            raise
        took = f"{time.monotonic() - started:5.1f} s"
        self.console.print(f"[green]✓[/] {took}  {title}{''.join(note)}")


def up(settings: Settings, parameters: Mapping[str, str], steps: Steps) -> None:
    """Everything from the emulator to a running Flink job; what is there already stays."""
    require_ports(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.remember_ports()
    assembly = steps("Templates", lambda: deploy.synth(settings, parameters))
    _require_broker_port(settings, assembly)
    if revision.is_outdated(settings):
        steps("Processes of other sources ended", lambda: _end(settings))
    revision.remember(settings)
    steps("AWS emulator", lambda: emulator.start(settings))
    steps("SageMaker stand-in", lambda: sagemaker.start(settings))
    steps("Deployment bucket and roles", lambda: deploy.bootstrap(settings))
    # Before the stacks, whose deployment waits until the Flink job has run for a while.
    steps("Workers", lambda: workers.start(settings))
    steps("Stacks and Flink job", lambda: _deploy(settings, assembly))
    if deploy.topology(settings).messages:
        steps("MQTT broker", lambda: receive(settings))
    steps("First calls of the functions", lambda: warm(settings))
    steps("Flink application", lambda: run_job(settings))
    steps("First result", lambda: first_result(settings))


def _deploy(settings: Settings, assembly: Path) -> bool:
    """Deploy; if a job that does not run is why that failed, the error has its last words too."""
    since = now().replace(microsecond=0)
    try:
        return deploy.deploy(settings, assembly)
    except CommandError as error:
        raise CommandError("\n".join([str(error), *_what_runs(settings, since)])) from error


def _what_runs(settings: Settings, since: datetime) -> Iterator[str]:
    """After a failed deployment: why a job ended, and whether the version before is there again.

    What had failed before `since` is of an earlier deployment.
    """
    states = flink_status.states(settings)
    for state in states:
        if state.get("failed") and datetime.fromisoformat(state["started"]) >= since:
            yield f"{state['name']}, {state['failed']}"
    if any(state.get("error") for state in states):
        yield _why_no_job(settings)
    elif deploy.is_rolled_back(settings):
        yield "the version before runs again with its state: correct what failed, and repeat"


def require_ports(settings: Settings) -> None:
    """Raise CommandError if another program has a port that will be needed: before any work."""
    running.require_same_ports(settings)
    emulator.require_free(settings)
    if not sagemaker.service(settings).process():
        require_port(settings.sagemaker_port, "SDP_SAGEMAKER_PORT")
    if not workers.service(settings).process() and not workers.jobs(settings):
        require_port(settings.flink_port, "SDP_FLINK_PORT")


def _require_broker_port(settings: Settings, assembly: Path) -> None:
    """Before minutes of work; only deployments with a topic rule have a broker."""
    templates = assembly.rglob("*.template.json")
    is_needed = any('"AWS::IoT::TopicRule"' in path.read_text("utf-8") for path in templates)
    if is_needed and not mqtt.service(settings).process():
        require_port(settings.mqtt_port, "SDP_MQTT_PORT")


def down(settings: Settings, steps: Steps) -> None:
    """End what `up` started; all data stays. CommandError, and no end, if it could not be saved."""
    emulator.require_space(settings)
    demonstration.stop(settings)
    steps("Workers and Flink application ended", lambda: workers.stop(settings))
    steps("SageMaker stand-in ended", lambda: sagemaker.stop(settings))
    steps("AWS emulator ended, its data saved", lambda: emulator.stop(settings))
    settings.forget_ports()


def _end(settings: Settings) -> None:
    """End all processes; their data is saved, and what ran will run again."""
    emulator.require_space(settings)
    workers.stop(settings)
    sagemaker.stop(settings)
    emulator.stop(settings)


def clean(settings: Settings, steps: Steps) -> None:
    """End everything and remove its data."""
    demonstration.stop(settings)
    workers.stop(settings)
    sagemaker.service(settings).kill()
    emulator.service(settings).kill()
    steps("Data removed", lambda: shutil.rmtree(settings.home, ignore_errors=True))


def warm(settings: Settings) -> None:
    """Call each API, so that no user waits for a cold start."""
    current = outputs.read(settings)
    headers = {"x-api-key": current.api_key}
    deployed = current.topology.catalog.use_cases
    paths = [r.path for use_case in deployed for r in use_case.reports]
    reports = [f"{current.url_for_reports}/reports/{path}/0" for path in paths]
    with httpx.Client(headers=headers, timeout=60) as http, ThreadPoolExecutor(8) as pool:
        requests = [http.build_request("GET", url) for url in reports]
        for url in filter(None, (f"{current.url_for_api}/events", current.url_for_predictions)):
            requests.append(http.build_request("POST", url, json=[]))
        own = {"x-api-key": current.definitions_key or ""}
        for name in (use_case.name for use_case in deployed if use_case.definitions):
            url = f"{current.url_for_definitions}/definitions/{name}"
            requests.append(http.build_request("GET", url, headers=own))
        for call in [pool.submit(_answered, http, r) for r in requests]:
            call.result()


def _answered(http: httpx.Client, request: httpx.Request) -> None:
    """Call until the function answers, which on a busy machine may outlast a call or two."""
    deadline = time.monotonic() + WARM_SECONDS
    while True:
        response: httpx.Response | None = None
        try:
            response = http.send(request)
            problem = f"{response.status_code}: {response.text[:300]}"
        except httpx.TransportError as error:
            problem = repr(error)
        # 403: the deployment's own key was revoked; nothing can be warmed with it.
        if response is not None and response.status_code in (200, 400, 403, 404):
            return
        again = response is None or response.status_code in AGAIN
        if time.monotonic() > deadline or not again:
            raise CommandError(f"{request.method} {request.url} answered {problem}")
        pause(0.5)


def first_result(settings: Settings) -> None:
    """Send heartbeats until one has come through Flink into a table, or for a minute.

    The first record takes seconds: readers of shards, code that is not compiled yet, the function
    that stores. Here they pass before a user measures them.
    """
    functions = aws.client(settings, "lambda")
    pages = functions.get_paginator("list_functions").paginate()
    listed = [function for page in pages for function in page["Functions"]]
    (beat,) = (f["FunctionName"] for f in listed if "HeartbeatFunction" in f["FunctionName"])
    (store,) = (f for f in listed if "PersistFunction" in f["FunctionName"])
    table = store["Environment"]["Variables"]["SDP_PROGRESS_TABLE"]
    before, deadline = _progress(settings, table), time.monotonic() + RESULT_SECONDS
    while _progress(settings, table) == before and time.monotonic() < deadline:
        functions.invoke(FunctionName=beat, Payload=b"{}")
        pause(0.5)


def _progress(settings: Settings, table: str) -> list[Any]:
    items: list[Any] = aws.client(settings, "dynamodb").scan(TableName=table)["Items"]
    return items


def keep_sending(settings: Settings, arguments: Sequence[str]) -> None:
    """Start what goes on sending events until it ends by itself, or with `down`.

    `arguments` are those of Python.
    """
    demonstration.start(demonstration.service(settings), arguments)


def keep_receiving(settings: Settings, arguments: Sequence[str]) -> Path:
    """Start what goes on receiving messages until `down`. Returns its log.

    `arguments` are those of Python.
    """
    process = demonstration.receiver(settings)
    process.log.unlink(missing_ok=True)
    demonstration.start(process, arguments)
    return process.log


def await_receiver(settings: Settings, port: int) -> None:
    """Wait until what receives messages listens on the port. Raises CommandError if it ends."""
    process = demonstration.receiver(settings)
    while port_is_free(port):
        if process.process() is None:
            raise CommandError(f"the receiver of messages ended: {last_lines(process.log, 3)}")
        pause(0.1)


def receiver_port(settings: Settings, preferred: int) -> int:
    """A port for what receives messages: this one, unless another program has it.

    What an earlier demonstration left there is ended.
    """
    demonstration.receiver(settings).kill()
    return preferred if port_is_free(preferred) else free_port()


def receive(settings: Settings) -> None:
    """Wait until the broker accepts connections. Raises CommandError with the reason."""
    deadline = time.monotonic() + BROKER_SECONDS
    while not mqtt.accepts(settings):
        if not mqtt.service(settings).process():
            require_port(settings.mqtt_port, "SDP_MQTT_PORT")
        if time.monotonic() > deadline:
            why = mqtt.state(settings).get("problem") or "it accepts no connection"
            raise CommandError(f"the MQTT broker: {why}\nlog: {mqtt.service(settings).log}")
        pause(0.3)


def flink_pages(settings: Settings) -> dict[str, str]:
    """The URL of Flink's page by application."""
    return {name: flink_status.url(settings, name) for name in flink_status.names(settings)}


def run_job(settings: Settings) -> None:
    """Start the Flink application if it was stopped, and wait until every task of its job runs."""
    deadline = time.monotonic() + JOB_SECONDS
    while not _runs_as_deployed(settings):
        if time.monotonic() > deadline:
            raise CommandError(_why_no_job(settings))
        pause(0.3)


def _runs_as_deployed(settings: Settings) -> bool:
    deployed = applications(settings)
    for application in deployed:
        if not application.should_run:
            start_application(settings, application.name)
    versions = {a.name: a.version for a in deployed}
    return flink_status.versions(settings) == versions and flink_status.running(settings)


def _why_no_job(settings: Settings) -> str:
    logs = sorted(settings.logs.glob("flink-*.out")) + sorted(settings.logs.glob("flink-*.log"))
    tails = "\n".join(last_lines(path, 8) for path in logs)
    problems = [s["error"] for s in flink_status.states(settings) if s.get("error")]
    why = "\n".join(problems) or "it did not reach RUNNING"
    silent = [n for n in flink_status.names(settings) if not flink_status.jobs(settings, n)]
    free = f" (no answer from {', '.join(silent)})" if silent else ""
    return f"{why}{free}\n{tails}\nlogs: {', '.join(map(str, logs)) or settings.logs}"
