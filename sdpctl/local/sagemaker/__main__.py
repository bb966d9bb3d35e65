"""`python -m sdpctl.local.sagemaker`: the process, composed of real parts."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from typing import Any

from sdpctl.local import aws
from sdpctl.local.sagemaker.background import Background
from sdpctl.local.sagemaker.endpoints import Endpoints
from sdpctl.local.sagemaker.jobs import TrainingJobs
from sdpctl.local.sagemaker.models import Models
from sdpctl.local.sagemaker.objects import S3Files
from sdpctl.local.sagemaker.registry import Registry
from sdpctl.local.sagemaker.resources import Account
from sdpctl.local.sagemaker.running import Runs
from sdpctl.local.sagemaker.server import Server
from sdpctl.local.sagemaker.store import Store
from sdpctl.settings import Settings


def compose(home: Path, logs: Path, port: int, account: Account, s3: Any) -> Server:
    """A server that is ready; what was under way under `home` before goes on."""
    store, objects = Store(home / "state"), S3Files(s3)
    background = Background()
    runs = Runs(store, objects, background, home / "jobs", logs)
    jobs = TrainingJobs(store, account, runs)
    endpoints = Endpoints(store, account, objects, background, home / "serving", logs)
    parts = (jobs, Models(store, account), Registry(store, account), endpoints)
    calls = {name: call for part in parts for name, call in part.calls.items()}
    server = Server(port, calls, endpoints, (store.close, background.close, endpoints.close))
    jobs.resume()
    endpoints.resume()
    return server


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.load()
    server = compose(
        settings.home / "sagemaker",
        settings.logs / "sagemaker",
        settings.sagemaker_port,
        Account(settings.region, settings.account),
        aws.client(settings, "s3"),
    )

    def end(_signal: int, _frame: object) -> None:
        # From another thread, because it waits for the one that serves.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
