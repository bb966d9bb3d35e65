"""The port to a model's endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from glue.errors import PlatformError


class EndpointUnavailable(PlatformError):
    """The endpoint is cold, missing or failing."""


class Endpoint(Protocol):
    """Calls of the endpoint."""

    def invoke(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The response; raises EndpointUnavailable if it does not arrive in time."""
