"""Start the emulator with some of its parts replaced, inside its own process and environment.

A module of a service has `REPLACED` (the emulator's functions that it replaces, each with the
parameters that it must have), `USED` (the private names that it reads) and `replace()`.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version

from ministack import app

from sdpctl.local.launcher import (
    alarms,
    athena,
    athena_catalog,
    disk,
    durable,
    event_sources,
    executions,
    existing_streams,
    faults,
    firehose,
    flink,
    function_requests,
    functions,
    gateway,
    items,
    kinesis,
    metering,
    pages,
    payloads,
    process,
    records,
    retention,
    secrets,
    server,
    shards,
)

WRITTEN_FOR = "1.5.33"
SERVICES = (
    alarms,
    athena,
    athena_catalog,
    disk,
    durable,
    event_sources,
    executions,
    existing_streams,
    faults,  # after `durable`, around which it is
    firehose,
    flink,
    function_requests,
    functions,
    gateway,  # before `payloads`, which refuses a request around it
    items,
    kinesis,
    metering,
    pages,  # after `gateway`, which serves what this sends on
    payloads,
    process,
    records,
    shards,  # after `kinesis`, around whose reads it is
    retention,  # after `kinesis` and `shards`, around whose reads it is
    secrets,
    server,
)


def main() -> None:
    """Check that the emulator is the one this was written for, replace, and run it."""
    _check()
    for service in SERVICES:
        service.replace()
    app.main()


def _check() -> None:
    installed = version("ministack")
    if installed != WRITTEN_FOR:
        raise SystemExit(
            f"the emulator is ministack {installed}; this launcher needs {WRITTEN_FOR}"
        )
    for service in SERVICES:
        for function, parameters in service.REPLACED.items():
            if list(inspect.signature(function).parameters) != parameters:
                raise SystemExit(f"ministack's {function.__name__} does not take {parameters}")
        for module, names in service.USED.items():
            if missing := [name for name in names if not hasattr(module, name)]:
                raise SystemExit(f"ministack's {module.__name__} has no {missing}")


if __name__ == "__main__":
    main()
