"""The processes that go on after `make demo`; they know nothing of what they send or receive."""

from __future__ import annotations

from collections.abc import Sequence

from sdpctl.local.processes import Service
from sdpctl.settings import Settings


def service(settings: Settings) -> Service:
    """The process that sends events."""
    return Service("demonstration", settings)


def receiver(settings: Settings) -> Service:
    """The process that receives messages; its log has each."""
    return Service("receiver", settings)


def start(process: Service, arguments: Sequence[str]) -> None:
    """Start Python with these arguments, instead of what an earlier demonstration started."""
    process.kill()
    settings = process.settings
    process.start([str(settings.python("dev")), *arguments], settings.aws_environment())


def stop(settings: Settings) -> None:
    """End those that run."""
    service(settings).kill()
    receiver(settings).kill()
