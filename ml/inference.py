"""The endpoint's handlers: SageMaker's model_fn, input_fn, predict_fn and output_fn.

`{"instances": [{…}, …]}` or a single `{…}` in, by the request's own names;
`{"predictions": [{"score", "predicted_label", "unseen"}], "model_version"}` out. JSON only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.artifact import Trained

JSON = "application/json"
Instances = list[Mapping[str, Any]]


def model_fn(model_dir: str) -> Trained:
    """The model of a folder. Raises ArtifactError if it is not one."""
    return Trained.load(Path(model_dir))


def input_fn(body: str | bytes, content_type: str = JSON) -> Instances:
    """The instances of a request. Raises ValueError with the reason if it is invalid."""
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise ValueError(f"content type {content_type!r} is not {JSON}")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("the body is not a JSON object")
    instances = document.get("instances", [document])
    if not isinstance(instances, list):
        raise ValueError("instances is not an array")
    return instances


def predict_fn(instances: Instances, model: Trained) -> dict[str, Any]:
    """The predictions. Raises InstanceError with the invalid instance and field."""
    return {"predictions": model.predict(instances), "model_version": model.version}


def output_fn(answer: Mapping[str, Any], accept: str = JSON) -> tuple[str, str]:
    """The response as text, and its type: always JSON, whatever the Accept header."""
    return json.dumps(answer), JSON
