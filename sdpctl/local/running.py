"""Whether the platform of this folder runs, checked before it is called."""

from __future__ import annotations

from sdpctl.errors import CommandError
from sdpctl.local import emulator
from sdpctl.settings import Settings, started_with


def require(settings: Settings) -> None:
    """Raise CommandError unless our own emulator runs: whatever answers there may be another's."""
    if not _runs(settings):
        raise CommandError("the platform does not run: run 'make up'")
    require_same_ports(settings)


def require_same_ports(settings: Settings) -> None:
    """Raise CommandError if the platform runs on other ports than it is looked for."""
    if not _runs(settings):
        return
    started = started_with(settings.home)
    for name, port in settings.ports.items():
        if port != started.get(name, port):
            raise CommandError(
                f"{name}={port}, but the platform runs with {name}={started[name]}: "
                "unset it, or run 'make down' first"
            )


def _runs(settings: Settings) -> bool:
    return emulator.service(settings).process() is not None
