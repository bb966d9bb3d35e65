"""Which records of a batch Lambda delivers again, by what the function has answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def first_failed(answer: Any, numbers: Sequence[str]) -> int | None:
    """The index of the first record to deliver again; None if all is done.

    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
    """
    if isinstance(answer, str):
        try:
            answer = json.loads(answer) if answer else None
        except ValueError:
            return 0
    if answer is None:
        return None
    if not isinstance(answer, dict):
        return 0
    items = answer.get("batchItemFailures")
    if not items:
        return None
    try:
        return min(numbers.index(item["itemIdentifier"]) for item in items)
    except (KeyError, TypeError, ValueError):  # invalid: a complete failure
        return 0
