"""The server: on SIGTERM it stops the functions first, then saves its state.

The emulator waits for each call of a function, and saves afterwards: a call that takes longer than
`make down` waits cost everything since the last start.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any

import hypercorn.asyncio

from sdpctl.local.launcher import functions

REPLACED: dict[Callable[..., Any], list[str]] = {
    hypercorn.asyncio.serve: ["app", "config", "shutdown_trigger", "mode"]
}
USED: dict[ModuleType, tuple[str, ...]] = {}
_serve_until = hypercorn.asyncio.serve


def replace() -> None:
    """Put our function in the place of the server's."""
    hypercorn.asyncio.serve = _serve


async def _serve(app: Any, config: Any) -> None:
    """Serve until a signal."""
    signalled, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, signalled.set)

    async def ended() -> None:
        await signalled.wait()
        await asyncio.to_thread(functions.end)

    await _serve_until(app, config, shutdown_trigger=ended)
