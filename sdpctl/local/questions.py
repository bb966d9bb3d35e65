"""Calls that are made at the same time, with a common limit for their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TypeVar

Answer = TypeVar("Answer")


def answers(questions: Mapping[str, Callable[[], Answer]], seconds: float) -> dict[str, Answer]:
    """The answers by name; those that take longer than `seconds` are left out.

    Their threads are not waited for, not even when the process ends. Raises what a question raised.
    """
    futures: dict[str, Future[Answer]] = {name: Future() for name in questions}
    for name, question in questions.items():
        threading.Thread(target=_answer, args=(question, futures[name]), daemon=True).start()
    wait(futures.values(), seconds)
    return {name: future.result() for name, future in futures.items() if future.done()}


def _answer(question: Callable[[], Answer], future: Future[Answer]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:  # noqa: BLE001 - the caller of `answers` raises it
        future.set_exception(error)
