"""The settings of the retraining functions; each has only what it uses."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.model_names import Names
from lambdas.settings import SettingsError

VARIABLE = "SDP_MODEL"


@dataclass(frozen=True)
class ModelSettings:
    """`SDP_MODEL`, a JSON object. Raises SettingsError with the name of a missing setting."""

    values: Mapping[str, Any]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ModelSettings:
        """Read the variable."""
        variables = os.environ if environment is None else environment
        try:
            values = json.loads(variables.get(VARIABLE, "{}"))
        except ValueError as error:
            raise SettingsError(f"{VARIABLE} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise SettingsError(f"{VARIABLE} is {values!r}; it must be a JSON object")
        return cls(values)

    @property
    def names(self) -> Names:
        """The names of the use case's model."""
        return Names(self.text("prefix"), self.text("use_case"), self.text("bucket"))

    def text(self, name: str) -> str:
        """A text."""
        return str(self._required(name))

    def number(self, name: str) -> float:
        """A number."""
        return float(self._required(name))

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(self._required(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Several texts."""
        return tuple(str(value) for value in self._required(name))

    def _required(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise SettingsError(
                f"{VARIABLE} has no {name!r}; it has {sorted(self.values)}"
            ) from None
