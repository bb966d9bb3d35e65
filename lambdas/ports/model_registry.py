"""The port to the versions of models, as a reader sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from glue.errors import PlatformError
from lambdas.ports.training import Document


class RegistryUnavailable(PlatformError):
    """The registry cannot be read; the same request may succeed later."""


class VersionPage(NamedTuple):
    """Some versions, the newest first, and what the following page begins with."""

    packages: Sequence[Document]
    next: str | None


class ModelRegistry(Protocol):
    """Both methods raise RegistryUnavailable."""

    def page(self, group: str, limit: int, after: str | None) -> VersionPage:
        """Some packages of a group as SageMaker describes them; none if there is no group."""

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object of the models' bucket; None if there is none."""
