"""The process that goes on sending events after `make demo`; it knows nothing of what it sends."""

from __future__ import annotations

from collections.abc import Sequence

from sdpctl.local.processes import Service
from sdpctl.settings import Settings


def service(settings: Settings) -> Service:
    """The process."""
    return Service("demonstration", settings)


def start(settings: Settings, arguments: Sequence[str]) -> None:
    """Start Python with these arguments, instead of what an earlier demonstration started."""
    stop(settings)
    command = [str(settings.python("dev")), *arguments]
    service(settings).start(command, settings.aws_environment())


def stop(settings: Settings) -> None:
    """End it, if it runs."""
    service(settings).kill()
