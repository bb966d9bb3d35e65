"""Who answers: the endpoint while it does, else the champion's fallback. Pure but for its ports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from glue.errors import PlatformError
from glue.scoring import Fallback

ENDPOINT, FALLBACK = "endpoint", "fallback"
Instance = Mapping[str, Any]


class EndpointUnavailable(PlatformError):
    """The endpoint is cold, missing or failing."""


class NoModel(PlatformError):
    """No model was ever promoted."""


class Endpoint(Protocol):
    """Calls of the endpoint."""

    def invoke(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; EndpointUnavailable if there is none in time."""


@dataclass(frozen=True)
class Answer:
    """Predictions in the order of the instances, of which model, and who gave them."""

    predictions: Sequence[Mapping[str, Any]]
    model_version: str
    served_by: str

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "predictions": list(self.predictions),
            "model_version": self.model_version,
            "served_by": self.served_by,
        }


@dataclass
class Champions:
    """The champion's fallback; the pointer to it is read again after `fresh` seconds."""

    read: Callable[[str], bytes | None]
    pointer: str
    monotonic: Callable[[], float]
    fresh: float = 5.0
    _looked: float = float("-inf")
    _key: str = ""
    _fallback: Fallback | None = None

    def fallback(self) -> Fallback:
        """The model that answers without the endpoint; NoModel if there is none."""
        if self.monotonic() - self._looked >= self.fresh:
            self._look()
        if self._fallback is None:
            raise NoModel("no model was promoted yet: see `sdp model list`")
        return self._fallback

    def _look(self) -> None:
        found = self.read(self.pointer)
        key = json.loads(found)["fallback"] if found else ""
        if key != self._key:
            body = self.read(key) if key else None
            self._fallback = Fallback.from_json(json.loads(body)) if body else None
            self._key = key if self._fallback else ""
        self._looked = self.monotonic()


@dataclass
class Breaker:
    """After a failure the endpoint is left alone for some seconds: callers do not wait for it."""

    monotonic: Callable[[], float]
    seconds: float = 1.0
    _until: float = field(default=float("-inf"))

    @property
    def open(self) -> bool:
        """Whether the endpoint is left alone now."""
        return self.monotonic() < self._until

    def failed(self) -> None:
        """It failed just now."""
        self._until = self.monotonic() + self.seconds


@dataclass(frozen=True)
class Predictor:
    """Answers for one use case; `tell` hears why the endpoint did not answer."""

    name: str
    endpoint: Endpoint
    champions: Champions
    breaker: Breaker
    tell: Callable[[str], None]

    def predict(self, instances: Sequence[Instance]) -> Answer:
        """An answer for each instance, in order; NoModel if there is nobody to ask."""
        if not self.breaker.open:
            try:
                return self._by_endpoint(instances)
            except EndpointUnavailable as error:
                self.breaker.failed()
                self.tell(str(error))
        fallback = self.champions.fallback()
        return Answer(fallback.predict(instances), fallback.version, FALLBACK)

    def _by_endpoint(self, instances: Sequence[Instance]) -> Answer:
        said = self.endpoint.invoke(self.name, {"instances": list(instances)})
        try:
            predictions, version = said["predictions"], str(said["model_version"])
        except (KeyError, TypeError) as error:
            raise EndpointUnavailable(f"{self.name}: the answer lacks {error}") from error
        if len(predictions) != len(instances):
            raise EndpointUnavailable(f"{self.name}: {len(predictions)} answers")
        return Answer(predictions, version, ENDPOINT)
