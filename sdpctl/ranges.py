"""The options --from and --to."""

from __future__ import annotations

from datetime import datetime, timedelta

from glue import instants
from sdpctl.clock import now
from sdpctl.errors import CommandError


def span(from_: str | None, to: str | None, default: timedelta) -> tuple[datetime, datetime]:
    """Both ends; without --to until now, without --from as long as the default.

    Raises CommandError.
    """
    end = _time("--to", to) if to else now()
    start = _time("--from", from_) if from_ else end - default
    if start >= end:
        raise CommandError(f"--from {from_}: must be before --to, {instants.to_wire(end)}")
    return start, end


def _time(option: str, text: str) -> datetime:
    try:
        return instants.parse(text)
    except ValueError as error:
        raise CommandError(f"{option} {text}: {error}") from error
