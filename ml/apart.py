"""A function in a process of its own, which a library that crashes cannot take this one with.

XGBoost reads a damaged file of trees as if it were whole, and ends the process with SIGSEGV.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from ml.errors import JobError

P = ParamSpec("P")
T = TypeVar("T")
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}


class CrashedError(JobError):
    """The process was ended by a signal that only its own code can have caused; the message."""


def apart(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What the function returns there; both function and value are pickled.

    Raises CrashedError if the process crashed, and JobError if it ended in another way: its
    traceback is on standard error. It does not outlive this process.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sender, function, arguments, named), daemon=True)
    process.start()
    sender.close()
    try:
        value: T = receiver.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 0
        if -code in CRASHES:
            raise CrashedError(f"crashed ({signal.Signals(-code).name})") from None
        end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise JobError(f"{function.__name__} ended with {end}") from None
    finally:
        receiver.close()
    process.join()
    return value


def _run(sender: Connection, function: Callable[..., Any], arguments: Any, named: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sender.send(function(*arguments, **named))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
