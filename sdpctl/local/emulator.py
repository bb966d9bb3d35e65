"""The AWS emulator: one process, its data under the platform's home."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from sdpctl import web
from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local.processes import Service, free_port, last_lines, require_port
from sdpctl.settings import Settings

START_SECONDS = 60
LAUNCHER = "sdpctl.local.launcher"
ANSWER_SECONDS = 5
SAVE_SECONDS = 60  # it writes its state on SIGTERM
# Of services without a journal.
_UNSAVED = re.compile(r"Persistence: failed to save (?!kinesis|dynamodb)(\w+)")


def service(settings: Settings) -> Service:
    """The emulator's process."""
    return Service("emulator", settings)


def start(settings: Settings) -> bool:
    """Start the emulator and wait until it answers; False if it ran already."""
    emulator = service(settings)
    if emulator.process():
        _await_health(settings)
        return False
    require_free(settings)
    emulator.start([settings.python("emulator"), "-m", LAUNCHER], _environment(settings))
    _await_health(settings)
    return True


@contextmanager
def alone(home: Path) -> Iterator[Settings]:
    """An emulator without a deployment, on a free port; it ends with the block."""
    places = {"SDP_HOME": str(home), "SDP_EMULATOR_PORT": str(free_port())}
    settings = Settings.load({**os.environ, **places})
    try:
        start(settings)
        yield settings
    finally:
        service(settings).kill()


def require_free(settings: Settings) -> None:
    """Raise CommandError if the emulator does not run and another program has its port."""
    emulator = service(settings)
    if not emulator.process():
        emulator.kill()  # what a killed emulator left behind: the workers of its functions
        require_port(settings.emulator_port, "SDP_EMULATOR_PORT")


def require_space(settings: Settings) -> None:
    """Raise CommandError if the disk may not take what the emulator saves when it is ended.

    It saves what it has in memory, and only logs what it could not write.
    """
    if problem := shortage(settings):
        raise CommandError(
            f"{problem}: free some, then run 'make down' again; nothing has been stopped"
        )


def shortage(settings: Settings) -> str:
    """Why the running emulator may not be able to save its data; empty if it is."""
    process = service(settings).process()
    needed = process.memory_info().rss if process else 0
    free = free_bytes(settings.home) if process else 0
    if free >= needed:
        return ""
    return (
        f"{settings.home} has {free / 1e6:,.0f} MB free, and the emulator needs up to "
        f"{needed / 1e6:,.0f} MB to save its data"
    )


def free_bytes(folder: Path) -> int:
    """What the disk of the folder can still take."""
    return shutil.disk_usage(folder).free


def stop(settings: Settings) -> bool:
    """Let the emulator save its state, then end it; CommandError names what it could not save."""
    emulator = service(settings)
    before = emulator.log.stat().st_size if emulator.log.exists() else 0
    ended = emulator.stop(SAVE_SECONDS)
    with suppress(OSError), emulator.log.open(errors="replace") as log:
        log.seek(before)
        if unsaved := _UNSAVED.findall(log.read()):
            raise CommandError(
                f"the emulator could not save {', '.join(unsaved)}: changes since these were "
                f"last saved are lost; log: {emulator.log}"
            )
    return ended


def healthy(settings: Settings) -> bool:
    """Whether the emulator answers."""
    return why_silent(settings) is None


def why_silent(settings: Settings) -> str | None:
    """Why the emulator, whose process runs, does not answer; None if it does."""
    try:
        response = web.client().get(
            f"{settings.endpoint}/_ministack/health", timeout=ANSWER_SECONDS
        )
    except httpx.TimeoutException:
        return f"overloaded: no response within {ANSWER_SECONDS:g} s"
    except httpx.HTTPError:
        return "it accepts no connection"
    return None if response.status_code == 200 else f"it answers {response.status_code}"


def _environment(settings: Settings) -> dict[str, str]:
    data = settings.home / "emulator"
    shutil.rmtree(data / "tmp", ignore_errors=True)  # a killed emulator leaves its functions' code
    (data / "tmp").mkdir(parents=True)
    return {
        **settings.aws_environment(),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "TMPDIR": str(data / "tmp"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.emulator_port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": settings.region,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_WARM_TTL_SECONDS": "20",  # the first process of a function stays
        "LOG_LEVEL": "WARNING",
    }


def _await_health(settings: Settings) -> None:
    emulator, deadline = service(settings), time.monotonic() + START_SECONDS
    while why := why_silent(settings):
        if not emulator.process() or time.monotonic() > deadline:
            tail = last_lines(emulator.log)
            raise CommandError(f"the emulator is not available: {why}\n{tail}\nlog: {emulator.log}")
        pause(0.1)
