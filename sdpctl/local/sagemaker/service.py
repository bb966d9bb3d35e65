"""The stand-in as one of the platform's processes."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from sdpctl import web
from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local.processes import Service, last_lines, require_port
from sdpctl.settings import Settings

START_SECONDS = 90


def service(settings: Settings) -> Service:
    """The process."""
    return Service("sagemaker", settings)


def start(settings: Settings) -> bool:
    """Start it and wait until it answers; False if it ran already."""
    stand_in = service(settings)
    if stand_in.process():
        return False
    stand_in.kill()  # what a killed one left behind: jobs and endpoints
    require_port(settings.sagemaker_port, "SDP_SAGEMAKER_PORT")
    command: list[str | Path] = [settings.python("dev"), "-m", "sdpctl.local.sagemaker"]
    stand_in.start(command, settings.aws_environment())
    deadline = time.monotonic() + START_SECONDS
    while not healthy(settings):
        if not stand_in.process() or time.monotonic() > deadline:
            tail = last_lines(stand_in.log)
            raise CommandError(f"the SageMaker stand-in did not start\n{tail}\nlog: {stand_in.log}")
        pause(0.1)
    return True


def stop(settings: Settings) -> bool:
    """End it, its jobs and its endpoints; they go on when it starts again."""
    return service(settings).stop()


def healthy(settings: Settings) -> bool:
    """Whether it answers."""
    try:
        url = f"{settings.sagemaker_endpoint}/ping"
        return web.client().get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
