"""Each component of the local platform: running or not, since when, its lag, its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local import (
    aws,
    demonstration,
    deploy,
    emulator,
    flink_checkpoints,
    flink_status,
    flows,
    replays,
    running,
    workers,
)
from sdpctl.local.delivery import service as delivery
from sdpctl.local.mqtt import service as mqtt
from sdpctl.local.processes import Service, port_problem
from sdpctl.local.questions import answers
from sdpctl.local.sagemaker import service as sagemaker
from sdpctl.options import LOCAL, options_of
from sdpctl.settings import Settings

# A heartbeat moves event time each minute; the watermark stays this far behind it.
HEARTBEAT_SECONDS, WATERMARK_SECONDS = 60, 5
# What an overloaded part has not said by then is unknown; the others are shown.
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Component:
    """One line of `sdp status`.

    `records` are counts by direction (in, out, refused), `per_second` their rates, where they are
    known: those of a use case over the last minute or two. `output` is what its process prints,
    where that is not in its log. `memory_mib` is what its processes occupy; those of functions are
    the emulator's. `state` is for people, where it is neither running nor down.
    """

    name: str
    running: bool
    since: str | None = None
    lag_seconds: float | None = None
    detail: str = ""
    log: str = ""
    output: str = ""
    records: Mapping[str, int] = field(default_factory=dict)
    per_second: Mapping[str, float] = field(default_factory=dict)
    memory_mib: int | None = None
    state: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def components(settings: Settings, now: datetime, since: datetime | None = None) -> list[Component]:
    """The state of everything, at `now`; records of use cases are counted from `since`."""
    running.require_same_ports(settings)
    service = emulator.service(settings)
    # what answers there without a process of ours is another's
    silent = emulator.why_silent(settings) if service.process() else _absent(settings)
    full = f"no event is accepted: {found}" if (found := emulator.shortage(settings)) else ""
    note = "".join(f", {problem}" for problem in (silent, full) if problem)
    mine = _of_process("emulator", service, f"{settings.endpoint}{note}", silent is None)
    questions = _questions(settings, now, since, silent)
    known = answers(questions, ANSWER_SECONDS)
    unknown = {name: [_unanswered(settings, name)] for name in questions}
    return [mine, *(c for found in (unknown | known).values() for c in found)]


def _questions(
    settings: Settings, now: datetime, since: datetime | None, silent: str | None
) -> dict[str, Callable[[], list[Component]]]:
    """How to find out about all but the emulator itself, by what it is about."""
    of_emulator = {
        "functions reading streams": partial(_consumers, settings),
        "events": partial(_use_cases, settings, now, since),
    }
    states = flink_status.states(settings) or [{"name": "application"}]
    return {
        "stacks": lambda: [_stacks(settings, silent)],
        **(of_emulator if silent is None else {}),
        "workers": lambda: [_of_process("workers", workers.service(settings), "", True)],
        "sagemaker": lambda: [_sagemaker(settings)],
        **{f"flink-{s['name']}": partial(_jobs, settings, s, now) for s in states},
        "delivery": partial(_deliveries, settings, now),
        **({"mqtt": lambda: [_broker(settings)]} if mqtt.state(settings) else {}),
        **({"demonstration": lambda: [_sender(settings)]} if _sends(settings) else {}),
        **({"receiver": lambda: [_receiver(settings)]} if _receives(settings) else {}),
        "replays": lambda: _replays(settings),
    }


def _unanswered(settings: Settings, name: str) -> Component:
    log = Service(name, settings).log
    detail = f"unknown: no answer within {ANSWER_SECONDS:g} s"
    return Component(name, False, detail=detail, log=str(log) if log.exists() else "")


def _absent(settings: Settings) -> str:
    problem = port_problem(settings.emulator_port, "SDP_EMULATOR_PORT")
    return f"it does not run: {problem}" if problem else "it does not run"


def _sends(settings: Settings) -> bool:
    return demonstration.service(settings).process() is not None


def _sender(settings: Settings) -> Component:
    service = demonstration.service(settings)
    return _of_process("demonstration", service, "sends events for a while", True)


def _receives(settings: Settings) -> bool:
    return demonstration.receiver(settings).process() is not None


def _receiver(settings: Settings) -> Component:
    service = demonstration.receiver(settings)
    return _of_process("receiver", service, "receives the messages of the demo", True)


def _replays(settings: Settings) -> list[Component]:
    """The replay that runs on this machine, and those that were interrupted."""
    home, found = settings.home / "replay", []
    now = replays.running(home)
    if now:
        log, since = Service("replay", settings).log, _time(now.since)
        detail = f"{now.buckets}: {now.progress}"
        found.append(
            Component(_replay(now.place, now.use_case), True, since, None, detail, str(log))
        )
    for place, use_case, start, end in replays.interrupted(home):
        if now is None or (now.place, now.use_case) != (place, use_case):
            options = options_of(place, use_case)
            detail = (
                f"to go on: ./sdp replay {options} --from {start} --to {end}; to take it back: "
                f"./sdp replay {options} --drop"
            )
            name = _replay(place, use_case)
            found.append(Component(name, True, detail=detail, state="interrupted"))
    return found


def _replay(place: str, use_case: str) -> str:
    return f"replay of {use_case}" + ("" if place == LOCAL else f" in {place}")


def _sagemaker(settings: Settings) -> Component:
    service, detail = sagemaker.service(settings), settings.sagemaker_endpoint
    if service.process():
        return _of_process("sagemaker", service, detail, sagemaker.healthy(settings))
    if problem := port_problem(settings.sagemaker_port, "SDP_SAGEMAKER_PORT"):
        detail += f", {problem}"
    return _of_process("sagemaker", service, detail, False)


def _of_process(name: str, service: Service, detail: str, healthy: bool) -> Component:
    process = service.process()
    since = _time(process.create_time()) if process else None
    runs, memory = bool(process) and healthy, _memory(service)
    return Component(name, runs, since, None, detail, str(service.log), memory_mib=memory)


def _memory(service: Service) -> int | None:
    occupied = service.resident()
    return None if occupied is None else round(occupied / 2**20)


def _stacks(settings: Settings, silent: str | None) -> Component:
    """What is deployed; that is unknown while the emulator does not answer."""
    log = str(settings.logs / "deploy.log")
    try:
        states = {} if silent else deploy.stack_states(settings)
    except CommandError as error:
        silent = str(error)
    if silent:
        return Component("stacks", False, None, None, f"unknown: the emulator: {silent}", log)
    ours = {k: v for k, v in states.items() if k.startswith(settings.stage)}
    wrong = [f"{k}: {v}" for k, v in ours.items() if not v.endswith("_COMPLETE") or "ROLL" in v]
    detail = "; ".join(wrong) or ", ".join([f"{len(ours)} deployed", *_parameters(settings, ours)])
    return Component("stacks", bool(ours) and not wrong, None, None, detail, log)


def _parameters(settings: Settings, stacks: Mapping[str, str]) -> list[str]:
    """What the stacks were deployed with."""
    deployed = deploy.parameters(settings) if stacks else {}
    return [f"{name}={value}" for name, value in deployed.items()]


def _consumers(settings: Settings) -> list[Component]:
    """The functions that read streams."""
    try:
        mappings = aws.client(settings, "lambda").list_event_source_mappings()
    except (BotoCoreError, ClientError):
        return []
    log = str(emulator.service(settings).log)
    return [
        Component(
            f"function reading {m['EventSourceArn'].rsplit('/', 1)[-1]}",
            m.get("State") == "Enabled",
            detail=m["FunctionArn"].rsplit(":", 1)[-1],
            log=log,
        )
        for m in mappings["EventSourceMappings"]
    ]


def _use_cases(settings: Settings, now: datetime, since: datetime | None) -> list[Component]:
    """What flows through each use case."""
    began = since or flows.counted_since(now)
    try:
        topology = deploy.topology(settings)
        counts = flows.counts(aws.client(settings, "cloudwatch"), topology, began, now)
    except (BotoCoreError, ClientError, CommandError):
        return []
    seconds = (now - began).total_seconds()
    names = {name: topology.application(name) for name in counts}
    runs = {name: flink_status.running(settings, name) for name in set(names.values())}
    return [
        Component(
            f"events of {name}",
            runs[names[name]],
            records=by_way,
            per_second={way: round(count / seconds, 1) for way, count in by_way.items()},
        )
        for name, by_way in counts.items()
    ]


def _jobs(settings: Settings, state: Mapping[str, Any], now: datetime) -> list[Component]:
    return [job(settings, state, now)]


def job(settings: Settings, state: Mapping[str, Any], now: datetime) -> Component:
    """The job of an application, of which the worker noted `state`."""
    name = state["name"]
    watermark = flink_status.watermark(settings, name)
    lag = None if watermark is None else event_time_lag(now.timestamp() - watermark / 1000)
    service = flink_status.service(settings, name)
    notes = [
        flink_status.url(settings, name),
        "+".join(state.get("use_cases", ())),
        f"{state.get('restarts', 0)} restarts",
        str(state.get("error") or ""),
        flink_checkpoints.problem(flink_status.url(settings, name)),
    ]
    return Component(
        f"flink-{name}",
        flink_status.running(settings, name),
        state.get("started"),
        lag,
        ", ".join(note for note in notes if note),
        str(flink_status.own_log(settings, name)),
        str(service.log),
        memory_mib=_memory(service),
    )


def event_time_lag(behind: float) -> float:
    """Seconds that event time is behind where the heartbeats keep it when nobody sends."""
    return round(max(0.0, behind - HEARTBEAT_SECONDS - WATERMARK_SECONDS), 1)


def _deliveries(settings: Settings, now: datetime) -> list[Component]:
    """The process that delivers into the lake, and each delivery stream."""
    service = delivery.service(settings)
    process = _of_process("delivery", service, "", True)
    return [
        process,
        *(
            _delivery(name, state, process, now)
            for name, state in sorted(delivery.states(settings).items())
        ),
    ]


def _broker(settings: Settings) -> Component:
    """The MQTT broker, where a use case has topics."""
    said = mqtt.state(settings)
    notes = [
        f"mqtt://127.0.0.1:{settings.mqtt_port}",
        f"{said.get('messages', 0):,} messages, {said.get('failed', 0):,} not stored by their rule",
        str(said.get("problem") or ""),
    ]
    detail = ", ".join(note for note in notes if note)
    return _of_process("mqtt", mqtt.service(settings), detail, mqtt.accepts(settings))


def _delivery(name: str, state: dict[str, Any], process: Component, now: datetime) -> Component:
    detail = (
        f"{state['records']:,} records in {state['objects']:,} objects, {state['rejected']} refused"
    )
    return Component(
        f"delivery {name}",
        process.running and not state["error"],
        process.since,
        delivery.lag(state, now.timestamp()),
        state["error"] or detail,
        process.log,
        records={flows.OUT: state["records"]},
    )


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
