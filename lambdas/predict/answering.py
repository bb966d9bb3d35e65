"""Predicts by the endpoint, or by the champion's fallback while that fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from features.scoring import Fallback
from glue.errors import PlatformError
from lambdas.ports.endpoint import Endpoint, EndpointUnavailable

ENDPOINT, FALLBACK = "endpoint", "fallback"
Instance = Mapping[str, Any]


class NoModel(PlatformError):
    """No model has been promoted yet."""


@dataclass(frozen=True)
class Answer:
    """Predictions in the order of the instances, with model version and source."""

    predictions: Sequence[Mapping[str, Any]]
    model_version: str
    served_by: str

    def to_json(self) -> dict[str, Any]:
        """The response body."""
        return {
            "predictions": list(self.predictions),
            "model_version": self.model_version,
            "served_by": self.served_by,
        }


@dataclass
class Champions:
    """The champion's fallback model; its pointer is read again after `fresh` seconds."""

    read: Callable[[str], bytes | None]
    pointer: str
    monotonic: Callable[[], float]
    fresh: float = 5.0
    _looked: float = float("-inf")
    _key: str = ""
    _fallback: Fallback | None = None

    def fallback(self) -> Fallback:
        """The model that predicts without the endpoint. Raises NoModel if there is none."""
        if self.monotonic() - self._looked >= self.fresh:
            self._look()
        if self._fallback is None:
            raise NoModel("no model has been promoted yet; see `sdp model list`")
        return self._fallback

    def _look(self) -> None:
        pointer = self.read(self.pointer)
        key = json.loads(pointer)["fallback"] if pointer else ""
        if key != self._key:
            body = self.read(key) if key else None
            self._fallback = Fallback.from_json(json.loads(body)) if body else None
            self._key = key if self._fallback else ""
        self._looked = self.monotonic()


@dataclass
class Breaker:
    """A circuit breaker: after a failure the endpoint is not called for some seconds."""

    monotonic: Callable[[], float]
    seconds: float = 1.0
    _until: float = field(default=float("-inf"))

    @property
    def open(self) -> bool:
        """Whether calls are suspended now."""
        return self.monotonic() < self._until

    def failed(self) -> None:
        """Record a failure."""
        self._until = self.monotonic() + self.seconds


@dataclass(frozen=True)
class Predictor:
    """Predictions of one use case; `report` receives the reason when the endpoint fails."""

    name: str
    endpoint: Endpoint
    champions: Champions
    breaker: Breaker
    report: Callable[[str], None]

    def predict(self, instances: Sequence[Instance]) -> Answer:
        """A prediction per instance, in order. Raises NoModel if there is no model."""
        if not self.breaker.open:
            try:
                return self._by_endpoint(instances)
            except EndpointUnavailable as error:
                self.breaker.failed()
                self.report(str(error))
        fallback = self.champions.fallback()
        return Answer(fallback.predict(instances), fallback.version, FALLBACK)

    def _by_endpoint(self, instances: Sequence[Instance]) -> Answer:
        response = self.endpoint.invoke(self.name, {"instances": list(instances)})
        try:
            predictions, version = response["predictions"], str(response["model_version"])
        except (KeyError, TypeError) as error:
            raise EndpointUnavailable(f"{self.name}: the response lacks {error}") from error
        if len(predictions) != len(instances):
            raise EndpointUnavailable(f"{self.name}: {len(predictions)} predictions")
        return Answer(predictions, version, ENDPOINT)
