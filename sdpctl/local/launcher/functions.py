"""Lambda: how many processes a function has, which of them serves a call, and when they end.

The emulator starts a process for every call that finds none idle, up to half of the machine's
memory, each with its own copy of the code. Here a function has at most as many processes as
executions are reserved for it (`PER_FUNCTION` where none are), a call beyond that is throttled as
on AWS, and a call waits for a process that is about to be free rather than starting another.
A call whose client has gone does not start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from sdpctl.local.launcher.process import FunctionProcess, new_process

PER_FUNCTION = 10  # executions at once of a function without a reservation
UNRESERVED = 20  # executions at once of all functions without one; their processes too
STARTING = 2  # processes of one function that start at once: more only slow each other down
TIMEOUT = 0.2  # seconds that a call waits for a busy process before it starts another
LOOK = 0.05  # seconds between two looks whether the client is still there
END_SECONDS = 20  # for the calls that run when the emulator stops
ACCOUNT = 1000  # AWS's quota of concurrent executions
UNRESERVABLE = 100  # of them, those that cannot be reserved

REPLACED: dict[Callable[..., Any], list[str]] = {
    runtime.acquire_worker: ["func_name", "config", "code_zip", "qualifier", "max_concurrency"],
    runtime.release_worker: ["worker"],
    runtime.invalidate_worker: ["func_name", "qualifier", "account", "region"],
    lambda_svc._acquire_execution_slot: ["func", "config"],
    lambda_svc._put_function_concurrency: ["func_name", "data"],
    provisioners._lambda_create: ["logical_id", "props", "stack_name"],
    provisioners._lambda_update: [
        "physical_id",
        "old_props",
        "new_props",
        "stack_name",
        "logical_id",
    ],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    runtime: ("Worker", "_lock", "_worker_key", "_workers", "kill_workers"),
    lambda_svc: (
        "_ACCOUNT_CONCURRENCY_CAP",
        "_functions",
        "_inflight",
        "_inflight_key",
        "_inflight_lock",
        "_inflight_total",
        "_reserved_concurrency",
    ),
    provisioners: ("_RESOURCE_HANDLERS",),
}
_changed = threading.Condition(runtime._lock)
_ended = threading.Event()  # no call starts any more
_reserved: set[str] = set()  # functions in flight that have a reservation, by their key there
_put_concurrency = lambda_svc._put_function_concurrency
_create = provisioners._lambda_create
_update = provisioners._lambda_update


@dataclass
class Client:
    """Who waits for the answer of a call."""

    gone: bool = False


client: ContextVar[Client | None] = ContextVar("client", default=None)


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    for name, function in (
        ("acquire_worker", _acquire),
        ("release_worker", _release),
        ("invalidate_worker", _invalidate),
        ("_acquire_execution_slot", _acquire_slot),
        ("_put_function_concurrency", _put_function_concurrency),
    ):
        setattr(lambda_svc, name, function)
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = ACCOUNT
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handlers["create"], handlers["update"] = _create_function, _update_function


def end() -> None:
    """End every process, and with it the call that it serves; no other call starts."""
    _ended.set()
    deadline = time.monotonic() + END_SECONDS
    while True:
        with _changed:
            processes = [process for pool in runtime._workers.values() for process in pool]
        runtime.kill_workers(processes)
        if not lambda_svc._inflight_total or time.monotonic() > deadline:
            return
        time.sleep(LOOK)  # one that was about to start


def _acquire_slot(func: dict[str, Any], config: dict[str, Any]) -> tuple[str | None, str | None]:
    """One execution of the function, counted until its end; else the limit that refuses it."""
    limit = lambda_svc._reserved_concurrency(func, config)
    key = lambda_svc._inflight_key(config)
    if _ended.is_set():
        return None, "function"
    with lambda_svc._inflight_lock:
        running = lambda_svc._inflight
        if running.get(key, 0) >= (PER_FUNCTION if limit is None else limit):
            return None, "function"
        (_reserved.discard if limit is None else _reserved.add)(key)
        others = sum(count for name, count in running.items() if name not in _reserved)
        if limit is None and others >= UNRESERVED:
            return None, "account"
        running[key] = running.get(key, 0) + 1
        lambda_svc._inflight_total += 1
    return key, None


def _acquire(
    func_name: str,
    config: dict[str, Any],
    code_zip: bytes,
    qualifier: str = "$LATEST",
    max_concurrency: int | None = None,
) -> tuple[FunctionProcess | None, str]:
    """An idle process, or one to start; none if the client goes while there is neither."""
    key, caller = runtime._worker_key(func_name, config, qualifier), client.get()
    new = new_process(func_name, config, code_zip)
    process, replaced = None, list[FunctionProcess]()
    start_at = time.monotonic() + TIMEOUT
    with _changed:
        while process is None and not (_ended.is_set() or (caller and caller.gone)):
            pool: list[FunctionProcess] = runtime._workers.setdefault(key, [])
            replaced += _drop(pool, lambda p: not p.in_use and p.revision != new.revision)
            process = _choose(pool, new, patient=time.monotonic() < start_at)
            if process is None:
                _changed.wait(LOOK)
            elif process is new:
                replaced += _surplus(key)
                pool.append(new)
        if process:
            process.in_use, process.last_used = True, time.time()
    runtime.kill_workers(replaced)
    return process, "reused" if process else "func_cap"


def _choose(
    pool: list[FunctionProcess], new: FunctionProcess, *, patient: bool
) -> FunctionProcess | None:
    """One that is ready, else one to start, if this call may start one now."""
    idle = [p for p in pool if not p.in_use]
    if ready := next((p for p in idle if p.ready), None):
        return ready
    return next(iter(idle), new) if _may_start(pool, patient=patient) else None


def _may_start(pool: list[FunctionProcess], *, patient: bool) -> bool:
    starting = sum(p.in_use and not p.ready for p in pool)
    busy = any(p.in_use for p in pool)
    return starting < STARTING and not (busy and patient)


def _surplus(key: str) -> list[FunctionProcess]:
    """Functions without a reservation share `UNRESERVED` processes: the longest idle one ends."""
    if _unreserved(key):
        pools = [pool for name, pool in runtime._workers.items() if _unreserved(name)]
        idle = [process for pool in pools for process in pool if not process.in_use]
        if idle and sum(map(len, pools)) >= UNRESERVED:
            longest = min(idle, key=lambda process: process.last_used)
            return [p for pool in pools for p in _drop(pool, lambda p: p is longest)]
    return []


def _unreserved(key: str) -> bool:
    return key.rsplit(":", 1)[0] not in _reserved


def _drop(
    pool: list[FunctionProcess], which: Callable[[FunctionProcess], bool]
) -> list[FunctionProcess]:
    dropped = [process for process in pool if which(process)]
    pool[:] = [process for process in pool if process not in dropped]
    return dropped


def _release(process: FunctionProcess | None) -> None:
    """Idle again; one of a version that was replaced meanwhile ends."""
    if process is None:
        return
    with _changed:
        process.in_use, process.last_used = False, time.time()
        kept = any(process in pool for pool in runtime._workers.values())
        _changed.notify_all()
    if not kept:
        runtime.kill_workers([process])


def _invalidate(
    func_name: str,
    qualifier: str | None = None,
    account: str | None = None,
    region: str | None = None,
) -> None:
    """End the function's idle processes; one that serves a call ends after it, as on AWS."""
    identity = (account, region, func_name, qualifier)
    with _changed:
        keys = [key for key in runtime._workers if _matches(key, identity)]
        processes = [p for key in keys for p in runtime._workers.pop(key)]
        idle = [p for p in processes if not p.in_use]
    runtime.kill_workers(idle)


def _matches(key: str, identity: tuple[str | None, ...]) -> bool:
    parts = key.split(":", 3)
    return all(part is None or part == own for part, own in zip(identity, parts, strict=True))


def _put_function_concurrency(func_name: str, data: dict[str, Any]) -> Any:
    error = _refusal(func_name, data.get("ReservedConcurrentExecutions"))
    if error:
        return lambda_svc.error_response_json("InvalidParameterValueException", error, 400)
    return _put_concurrency(func_name, data)


def _create_function(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
    created = _create(logical_id, props, stack_name)
    _reserve(created[0], props)
    return created


def _update_function(
    physical_id: str,
    old_props: dict[str, Any],
    new_props: dict[str, Any],
    stack_name: str,
    logical_id: str | None = None,
) -> Any:
    updated = _update(physical_id, old_props, new_props, stack_name, logical_id)
    _reserve(updated[0], new_props)
    return updated


def _reserve(name: str, props: dict[str, Any]) -> None:
    """The emulator's CloudFormation ignores the property."""
    value = props.get("ReservedConcurrentExecutions")
    if error := _refusal(name, value):
        raise ValueError(error)
    lambda_svc._functions[name]["concurrency"] = None if value is None else int(value)


def _refusal(name: str, value: Any) -> str | None:
    """Why AWS would not reserve it in an account with the usual quota."""
    functions = lambda_svc._functions
    others = sum(functions[n].get("concurrency") or 0 for n in functions.keys() if n != name)  # noqa: SIM118
    if value is None or others + int(value) <= ACCOUNT - UNRESERVABLE:
        return None
    return (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVABLE}]."
    )
