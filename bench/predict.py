"""How long does a prediction take? p50 and p99 of the function beside plain library calls.

`python -m bench.predict [--calls N] [--platform]`: a model is trained on generated auctions; then,
in one run and one thread, single predictions by the library, by the function with an endpoint that
is the same library behind JSON, and by the function's fallback. With `--platform` also those of
the platform that runs, over HTTP.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from mangum import Mangum

import usecases
from bench import deployed
from bench.ingest import gateway_event
from lambdas.ports.endpoint import EndpointUnavailable
from lambdas.predict.answering import Breaker, Champions, Predictor
from lambdas.predict.app import create_app
from ml import inference
from ml.artifact import Trained
from ml.rows import Range, read
from ml.train import Settings, train
from tests.unit.ml.auctions import auctions, request, write

ROWS, WARM_UP = 6_000, 50
POINTER = "champion.json"


def trained(rows: list[dict[str, Any]]) -> Trained:
    """A model of these auctions."""
    model = usecases.load().use_case("adtech").model
    assert model is not None
    within = Range.parse("", "")
    with tempfile.TemporaryDirectory() as folder:
        found = read(write(rows, Path(folder)), model.definition, within)
    return train(found.rows, model.definition, Settings(within, version="v1"))[0]


class LibraryEndpoint:
    """The endpoint's four functions in this process, with its JSON on both sides."""

    def __init__(self, model: Trained, *, up: bool = True) -> None:
        self._model, self._up = model, up

    def invoke(self, name: str, body: Any) -> dict[str, Any]:
        """As the endpoint answers."""
        if not self._up:
            raise EndpointUnavailable(name)
        instances = inference.input_fn(json.dumps(body))
        answer, _ = inference.output_fn(inference.predict_fn(instances, self._model))
        found: dict[str, Any] = json.loads(answer)
        return found


def function(model: Trained, *, up: bool) -> Callable[[dict[str, Any]], object]:
    """The predict function: API Gateway's event in, its response out."""
    files = {
        POINTER: json.dumps({"fallback": "fallback.json"}).encode(),
        "fallback.json": json.dumps(model.fallback.to_json()).encode(),
    }
    endpoint = LibraryEndpoint(model, up=up)
    champions = Champions(files.get, POINTER, time.monotonic)
    predictor = Predictor(
        "endpoint", endpoint, champions, Breaker(time.monotonic, 0.0), lambda reason: None
    )
    adapter: Any = Mangum(create_app(usecases.load(), {"adtech": predictor}), lifespan="off")

    def call(instance: dict[str, Any]) -> object:
        event = gateway_event(json.dumps(instance)) | {"path": "/predictions"}
        answer = adapter(event, None)
        assert answer["statusCode"] == 200, answer
        return answer

    return call


def platform() -> Callable[[dict[str, Any]], object]:
    """The prediction API of the platform that runs."""
    found = deployed.platform()
    client = httpx.Client(headers={"x-api-key": found.api_key}, timeout=60)

    def call(instance: dict[str, Any]) -> object:
        answer = client.post(found.url_for_predictions, json=instance)
        assert answer.status_code == 200, answer.text
        return answer

    return call


def measure(
    call: Callable[[dict[str, Any]], object], requested: list[dict[str, Any]], calls: int
) -> list[float]:
    """Milliseconds of each call, after a few that do not count."""
    taken = []
    for number in count():
        if number == calls + WARM_UP:
            return taken
        instance = requested[number % len(requested)]
        started = time.perf_counter()
        call(instance)
        if number >= WARM_UP:
            taken.append(1000 * (time.perf_counter() - started))
    raise AssertionError("count() has no end")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--platform", action="store_true")
    given = parser.parse_args()
    rows = auctions(ROWS)
    requested, model = [request(row) for row in rows[:500]], trained(rows)
    kinds: dict[str, Callable[[dict[str, Any]], object]] = {
        "library: trees": lambda instance: model.predict([instance]),
        "library: fallback": lambda instance: model.fallback.predict([instance]),
        "function, endpoint in process": function(model, up=True),
        "function, fallback": function(model, up=False),
    }
    if given.platform:
        kinds["platform over HTTP"] = platform()
    sys.stdout.write(f"{'':32}{'p50 ms':>10}{'p99 ms':>10}\n")
    for name, call in kinds.items():
        taken = measure(call, requested, given.calls)
        cuts = statistics.quantiles(taken, n=100)
        sys.stdout.write(f"{name:32}{cuts[49]:10.3f}{cuts[98]:10.3f}\n")


if __name__ == "__main__":
    main()
