"""Each component of the local platform: running or not, since when, its lag, its log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local import aws, deploy, emulator, flink_status, running, workers
from sdpctl.local.delivery import worker as delivery
from sdpctl.local.processes import Service
from sdpctl.local.sagemaker import service as sagemaker
from sdpctl.settings import Settings

# A heartbeat moves event time each minute; the watermark stays this far behind it.
HEARTBEAT_SECONDS, WATERMARK_SECONDS = 60, 5


@dataclass(frozen=True)
class Component:
    """One line of `sdp status`; `records` have passed since its process began to count."""

    name: str
    running: bool
    since: str | None = None
    lag_seconds: float | None = None
    detail: str = ""
    log: str = ""
    records: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def components(settings: Settings, now: datetime) -> list[Component]:
    """The state of everything, at `now`."""
    running.require_same_ports(settings)
    service = emulator.service(settings)
    # what answers there without a process of ours is another's
    silent = emulator.why_silent(settings) if service.process() else "it does not run"
    note = f", {silent}" if service.process() and silent else ""
    return [
        _of_process("emulator", service, f"{settings.endpoint}{note}", silent is None),
        _stacks(settings, silent),
        *(_consumers(settings) if silent is None else []),
        _of_process("workers", workers.service(settings), "", True),
        _of_process(
            "sagemaker",
            sagemaker.service(settings),
            settings.sagemaker_endpoint,
            sagemaker.healthy(settings),
        ),
        _flink(settings, now),
        *_deliveries(settings, now),
    ]


def _of_process(name: str, service: Service, detail: str, healthy: bool) -> Component:
    process = service.process()
    since = _time(process.create_time()) if process else None
    return Component(name, bool(process) and healthy, since, None, detail, str(service.log))


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
    found = deploy.parameters(settings) if stacks else {}
    return [f"{name}={value}" for name, value in found.items()]


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


def _flink(settings: Settings, now: datetime) -> Component:
    said = next(iter(flink_status.states(settings)), {})
    name = f"flink-{said.get('name', 'application')}"
    watermark = flink_status.watermark(settings)
    lag = None if watermark is None else event_time_lag(now.timestamp() - watermark / 1000)
    ui = f"http://127.0.0.1:{settings.flink_port}"
    notes = [ui, f"{said.get('restarts', 0)} restarts", str(said.get("error") or "")]
    return Component(
        name,
        flink_status.running(settings),
        said.get("started"),
        lag,
        ", ".join(note for note in notes if note),
        str(Service(name, settings).log),
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
            _delivery(name, said, process, now)
            for name, said in sorted(delivery.states(settings).items())
        ),
    ]


def _delivery(name: str, said: dict[str, Any], process: Component, now: datetime) -> Component:
    detail = (
        f"{said['records']:,} records in {said['objects']:,} objects, {said['rejected']} refused"
    )
    return Component(
        f"delivery {name}",
        process.running and not said["error"],
        process.since,
        delivery.lag(said, now.timestamp()),
        said["error"] or detail,
        process.log,
        said["records"],
    )


@dataclass
class Rates:
    """Records a second of each component, over the last `seconds`: deliveries come in batches."""

    seconds: float = 30.0
    _samples: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)

    def add(self, at: float, found: Iterable[Component]) -> dict[str, float]:
        """The rates by name, with what is so `at` this second; none before there are two."""
        counts = {c.name: c.records for c in found if c.records is not None}
        self._samples.append((at, counts))
        while len(self._samples) > 2 and self._samples[1][0] <= at - self.seconds:
            self._samples.popleft()
        began, before = self._samples[0]
        if at <= began:
            return {}
        # A process that was started again counts from nothing.
        return {n: max(0, c - before.get(n, c)) / (at - began) for n, c in counts.items()}


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
