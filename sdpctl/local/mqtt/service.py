"""The broker as one of the platform's processes.

Commands import this and not the worker, whose libraries take longer to import than most commands.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdpctl.local import aws, files
from sdpctl.local.processes import Service, port_is_free, port_problem
from sdpctl.settings import Settings


def deployed(settings: Settings) -> list[str]:
    """The names of the topic rules that are deployed."""
    listed = aws.client(settings, "iot").list_topic_rules(maxResults=250)
    return [rule["ruleName"] for rule in listed["rules"]]


def service(settings: Settings) -> Service:
    """The process of the broker."""
    return Service("mqtt", settings)


def follow(settings: Settings) -> bool:
    """Start the broker where a rule is deployed, end it where none is; whether it was started."""
    broker = service(settings)
    if not deployed(settings):
        if broker.pid_file.exists():
            broker.kill()
        state_file(settings).unlink(missing_ok=True)
        return False
    if broker.process():
        return False
    if problem := port_problem(settings.mqtt_port, "SDP_MQTT_PORT"):
        say(settings, {"problem": problem})
        return False
    command = [str(settings.python("dev")), "-m", "sdpctl.local.mqtt.worker"]
    broker.start(command, settings.aws_environment())
    return True


def accepts(settings: Settings) -> bool:
    """Whether the broker accepts connections."""
    return bool(service(settings).process()) and not port_is_free(settings.mqtt_port)


def state(settings: Settings) -> dict[str, Any]:
    """What the broker last said: Counts."""
    with suppress(OSError, ValueError):
        said: dict[str, Any] = json.loads(state_file(settings).read_bytes())
        return said
    return {}


def state_file(settings: Settings) -> Path:
    """Where the broker says what it has counted."""
    return settings.home / "mqtt" / "state.json"


def say(settings: Settings, what: dict[str, Any]) -> None:
    """Leave it for `state`."""
    with suppress(OSError):
        state_file(settings).parent.mkdir(parents=True, exist_ok=True)
        files.write(state_file(settings), json.dumps(what))
