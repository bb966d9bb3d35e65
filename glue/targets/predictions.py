"""The prediction API of a catalog's models as OpenAPI paths and schemas."""

from __future__ import annotations

from typing import Any

from glue.catalog import Catalog
from glue.limits import BODY_BYTES
from glue.models import Model, RequestField
from glue.targets.openapi import JSON, everywhere, problem, servers
from glue.types import Double, Integer, String

TAG = "Predictions"
MAX_INSTANCES = 500
LONGEST = 256
Document = dict[str, Any]


def add_predictions(document: Document, catalog: Catalog) -> Document:
    """The document with a path for each model, and for the first of them one without its name."""
    modelled = [(u.name, u.model) for u in catalog.use_cases if u.model is not None]
    if not modelled:
        return document
    paths, schemas = dict(document["paths"]), dict(document["components"]["schemas"])
    for number, (name, model) in enumerate(modelled):
        title = f"{name.title()}Instance"
        schemas |= {title: instance(model), f"{title}s": _several(title)}
        paths[f"/predictions/{name}"] = _item(model, title, f"predict_{name}")
        if number == 0:
            paths["/predictions"] = _item(model, title, "predict")
    schemas |= {"Predictions": _ANSWER}
    tag = {"name": TAG, "description": "Scores of a use case's model."}
    return {
        **document,
        "tags": [*document["tags"], tag],
        "paths": paths,
        "components": {**document["components"], "schemas": schemas},
    }


def instance(model: Model) -> Document:
    """The request of one prediction."""
    return {
        "type": "object",
        "description": model.doc,
        "additionalProperties": False,
        "required": [p.name for p in model.parameters if p.required],
        "properties": {p.name: _property(p) for p in model.parameters},
    }


def example(model: Model) -> Document:
    """An instance that is answered, every field of it sent."""
    return {p.name: "seen-or-not" if p.category else _number(p) for p in model.parameters}


def _number(parameter: RequestField) -> int:
    """A number within the field's limits."""
    match parameter.type:
        case Integer(_, most):
            return min(2000, most)
        case Double(_, float() as most):
            return min(2000, int(most))
        case _:
            return 2000


def _property(parameter: RequestField) -> Document:
    match parameter.type:
        case String(low, high):
            kind: Document = {"type": "string", "minLength": low, "maxLength": high or LONGEST}
        case Integer(low, high):
            kind = {"type": "integer", "minimum": low, "maximum": high}
            if parameter.category:
                text = {"type": "string", "minLength": 1, "maxLength": LONGEST}
                kind = {"anyOf": [kind, text]}
        case Double(floor, ceiling):
            limits = {"minimum": floor, "maximum": ceiling}
            kind = {"type": "number", **{k: v for k, v in limits.items() if v is not None}}
        case other:
            raise TypeError(f"{parameter.name}: requests have no {other}")
    if not parameter.required:  # null is as absent
        kind = {"anyOf": [*kind.get("anyOf", [kind]), {"type": "null"}]}
    return {**kind, "description": parameter.doc}


def _several(title: str) -> Document:
    one = {"$ref": f"#/components/schemas/{title}"}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_INSTANCES}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["instances"],
        "properties": {"instances": many},
    }


def _item(model: Model, title: str, name: str) -> Document:
    doc = "The output UrlForPredictions without `/predictions` at its end."
    return {"servers": servers("UrlForPredictions", doc), "post": _operation(model, title, name)}


def _operation(model: Model, title: str, name: str) -> Document:
    forms = [{"$ref": f"#/components/schemas/{form}"} for form in (title, f"{title}s")]
    instance = example(model)
    examples = {
        "one": {"value": instance},
        "several": {"value": {"instances": [instance, instance]}},
    }
    return {
        "operationId": name,
        "summary": "Predict",
        "description": model.doc,
        "tags": [TAG],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"anyOf": forms}, "examples": examples}},
        },
        "responses": _responses(),
    }


def _responses() -> Document:
    answer = {JSON: {"schema": {"$ref": "#/components/schemas/Predictions"}}}
    too_large = f"More than {MAX_INSTANCES} instances, or more than {BODY_BYTES} bytes."
    return {
        "200": {"description": "Answered.", "content": answer},
        "400": problem("A field is wrong; it is named."),
        "413": problem(too_large),
        "415": problem("Not JSON."),
        **everywhere(),
        "503": problem("No model was promoted yet.", retry=True),
    }


_ANSWER = {
    "type": "object",
    "required": ["predictions", "model_version", "served_by"],
    "properties": {
        "predictions": {
            "type": "array",
            "description": "In the order of the instances.",
            "items": {
                "type": "object",
                "required": ["score", "predicted_label", "unseen"],
                "properties": {
                    "score": {"type": "number", "minimum": 0, "maximum": 1},
                    "predicted_label": {
                        "type": "number",
                        "minimum": 0,
                        "maximum": 1,
                        "description": "1.0 or 0.0: the more probable outcome.",
                    },
                    "unseen": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Fields whose value the model was not trained on.",
                    },
                },
            },
        },
        "model_version": {"type": "string"},
        "served_by": {"type": "string", "enum": ["endpoint", "fallback"]},
    },
}
