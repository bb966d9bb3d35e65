"""The delivery as one of the platform's processes.

Commands import this and not the worker, whose libraries take longer to import than most commands.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdpctl.local.processes import Service
from sdpctl.settings import Settings


def service(settings: Settings) -> Service:
    """The process of the delivery."""
    return Service("delivery", settings)


def start(settings: Settings) -> bool:
    """Start the delivery; False if it runs already."""
    if service(settings).process():
        return False
    command = [str(settings.python("dev")), "-m", "sdpctl.local.delivery.worker"]
    service(settings).start(command, settings.aws_environment())
    return True


def states(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the worker last said of each delivery stream: Progress and `error`."""
    with suppress(OSError, ValueError):
        states: dict[str, dict[str, Any]] = json.loads(state_file(settings).read_bytes())
        return states
    return {}


def state_file(settings: Settings) -> Path:
    """Where the worker says how far it is."""
    return settings.home / "delivery" / "state.json"


def lag(state: dict[str, Any], at: float) -> float | None:
    """Seconds since the arrival of the oldest record that may not be delivered yet."""
    through = state.get("through")
    return None if through is None else round(max(0.0, at - through), 1)
