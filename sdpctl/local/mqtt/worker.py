"""`python -m sdpctl.local.mqtt.worker`: the process of the broker.

It may be killed at any time: what it has acknowledged is stored.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local.mqtt import service
from sdpctl.local.mqtt.broker import serve
from sdpctl.local.mqtt.core import Core
from sdpctl.settings import Settings

LOOK_EVERY = 3.0
log = logging.getLogger("sdp.mqtt")


async def run(settings: Settings) -> None:
    """Serve, and follow the control plane. Raises OSError if the port is in use."""
    core = Core(settings)
    await _look(core)
    broker = await serve(core, settings.mqtt_port)
    try:
        while True:
            service.say(settings, asdict(core.counts))
            await asyncio.sleep(LOOK_EVERY)
            await _look(core)
    finally:
        await broker.shutdown()


async def _look(core: Core) -> None:
    """What cannot be read stays as it was."""
    try:
        core.follow(await asyncio.to_thread(core.look))
        core.counts.problem = ""
    except (BotoCoreError, ClientError, CommandError, ValueError) as error:
        core.counts.problem = f"{type(error).__name__}: {error}"
        log.warning("%s", core.counts.problem)


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    asyncio.run(run(Settings.load()))


if __name__ == "__main__":
    main()
