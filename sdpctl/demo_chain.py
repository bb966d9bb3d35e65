"""The end of `make demo`: from the events of one customer to a message.

The use case's `demonstration.py` has the events and the definitions by which they lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx

import usecases
from glue import UseCase, instants
from infra.settings import described
from sdpctl import chain, demo_live
from sdpctl.answers import reason
from sdpctl.clock import now, pause
from sdpctl.errors import CommandError
from sdpctl.local import aws
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings

TIMEOUT = timedelta(seconds=180)
MODULE = "demonstration"
Received = Callable[[str], str | None]


@dataclass(frozen=True)
class Demonstration:
    """A use case whose definitions are valid from an instant on."""

    current: Outputs
    use_case: UseCase
    content: ModuleType
    valid_from: datetime

    def shown(self, settings: Settings, received: Received | None) -> Sequence[str]:
        """Send the customer's events and wait for what follows: three lines.

        `received` returns the line of an action that has been received; None if nobody knows.
        Raises CommandError if something does not come in time.
        """
        kinesis = aws.client(settings, "kinesis")
        names = chain.stream_names(self.current.topology, self.use_case)
        start = now()
        at = max(start, self.valid_from) + timedelta(seconds=1)
        name = f"demo-{instants.to_millis(at):x}"
        events = self.content.events(at, name)
        self._send([*events, *self.content.others(at, name)])
        trace_id = events[-1]["event_id"]
        while not (found := self._found(kinesis, names, trace_id, start)).is_complete:
            self._wait(f"no decision about event {trace_id}", start)
        lines = found.lines()
        if found.action is not None and received is not None:
            while (line := received(found.action["id"])) is None:
                self._wait(f"the action {found.action['id']} was not received", start)
            lines[-1] = line
        return lines

    def _wait(self, problem: str, start: datetime) -> None:
        if now() - start > TIMEOUT:
            raise CommandError(
                f"{self.use_case.name}: {problem} after {TIMEOUT.seconds} s; './sdp status' shows "
                "what does not run"
            )
        pause(0.5)

    def _found(
        self, kinesis: Any, names: tuple[str, str, str], trace_id: str, start: datetime
    ) -> chain.Chain:
        return chain.of_event(kinesis, names, trace_id, self.content.KIND, start)

    def _send(self, events: Sequence[dict[str, Any]]) -> None:
        answer = httpx.post(
            f"{self.current.url_for_api}/events",
            json=events,
            headers={"x-api-key": self.current.api_key},
            timeout=60,
        )
        if answer.status_code != 202:
            raise CommandError(f"{answer.url} returned {answer.status_code}: {answer.text[:500]}")


def prepared(current: Outputs, present: datetime) -> Demonstration | None:
    """Put the definitions of the first deployed use case that has a demonstration, if one has."""
    use_case = demonstrated(current.topology.catalog.use_cases)
    if use_case is None:
        return None
    content = import_module(f"usecases.{use_case.name}.{MODULE}")
    paths = {f"{use_case.name}/{kind}/{name}": d for kind, name, d in content.DEFINITIONS}
    valid = [_put(current, path, document) for path, document in paths.items()]
    valid_from = max(filter(None, valid), default=present)
    return Demonstration(current, use_case, content, valid_from)


def demonstrated(deployed: Iterable[UseCase]) -> UseCase | None:
    """The first use case that has a demonstration, if one has."""
    return next(filter(_has, deployed), None)


def _put(current: Outputs, path: str, document: dict[str, Any]) -> datetime | None:
    """Put a definition; when it is valid. None if there is one, of an earlier demonstration."""
    answer = httpx.put(
        f"{current.url_for_definitions}/definitions/{path}",
        json=document,
        headers={"x-api-key": current.definitions_key or "", "if-none-match": "*"},
        timeout=60,
    )
    if answer.status_code == 412:
        return None
    if answer.status_code != 201:
        raise CommandError(f"{path}: {reason(answer)}")
    return instants.parse(answer.json()["valid_from"])


def use_cases() -> tuple[str, ...]:
    """What `make demo` deploys if nothing is chosen.

    cdk.json's use cases, those with a demonstration, and those whose events go on.
    """
    chosen, _ = described()["useCases"]
    shown = (u.name for u in usecases.load().use_cases if _has(u) or demo_live.has(u))
    names = {*usecases.chosen(chosen), *shown}
    return tuple(name for name in usecases.NAMES if name in names)


def _has(use_case: UseCase) -> bool:
    return bool(use_case.definitions) and (use_case.folder / f"{MODULE}.py").exists()


if __name__ == "__main__":
    print(*use_cases())
