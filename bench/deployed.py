"""The platform that a benchmark needs: it runs, and has the use case that is measured."""

from __future__ import annotations

from glue.errors import PlatformError
from sdpctl.local import outputs
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings

USE_CASE = "adtech"


def platform(settings: Settings | None = None) -> Outputs:
    """Its addresses and keys; ends the program with a sentence if there is none."""
    try:
        found = outputs.read(settings)
        found.topology.application(USE_CASE)
    except PlatformError as error:
        raise SystemExit(str(error)) from error
    return found
