"""What the deployment tells the functions of retraining; each has only what it uses."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.settings import SettingsError
from lambdas.training.names import Names

VARIABLE = "SDP_MODEL"


@dataclass(frozen=True)
class ModelSettings:
    """`SDP_MODEL`: a JSON object; SettingsError names what a function asks for in vain."""

    values: Mapping[str, Any]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ModelSettings:
        """Read the variable."""
        found = os.environ if environment is None else environment
        try:
            values = json.loads(found.get(VARIABLE, "{}"))
        except ValueError as error:
            raise SettingsError(f"{VARIABLE} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise SettingsError(f"{VARIABLE} must be a JSON object; got {values!r}")
        return cls(values)

    @property
    def names(self) -> Names:
        """The names of the use case's model."""
        return Names(self.text("prefix"), self.text("use_case"), self.text("bucket"))

    def text(self, name: str) -> str:
        """A text."""
        return str(self._given(name))

    def number(self, name: str) -> float:
        """A number."""
        return float(self._given(name))

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(self._given(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Several texts."""
        return tuple(str(value) for value in self._given(name))

    def _given(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise SettingsError(
                f"{VARIABLE} has no {name!r}; it has {sorted(self.values)}"
            ) from None
