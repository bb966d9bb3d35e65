"""The prediction API of a catalog's models as OpenAPI paths and schemas."""

from __future__ import annotations

from typing import Any

from glue.catalog import Catalog
from glue.limits import BODY_BYTES
from glue.models import Model, Parameter
from glue.types import Double, Integer, String

JSON, PROBLEM = "application/json", "application/problem+json"
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
        schemas[title] = instance(model)
        item = {"servers": _SERVERS, "post": _operation(model, title)}
        paths[f"/{name}"] = item
        if number == 0:
            paths["/"] = item
    schemas |= {"Predictions": _ANSWER, "PredictionProblem": _FAULT}
    return {
        **document,
        "paths": {**document["paths"], **paths},
        "components": {**document["components"], "schemas": schemas},
    }


def instance(model: Model) -> Document:
    """What one prediction is asked with."""
    return {
        "type": "object",
        "description": model.doc,
        "additionalProperties": False,
        "required": [p.name for p in model.parameters if p.required],
        "properties": {p.name: _property(p) for p in model.parameters},
    }


def example(model: Model) -> Document:
    """An instance that is answered, every field of it sent."""
    return {p.name: "seen-or-not" if p.category else 2000 for p in model.parameters}


def _property(parameter: Parameter) -> Document:
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
    return {**kind, "description": parameter.doc}


def _operation(model: Model, title: str) -> Document:
    one = {"$ref": f"#/components/schemas/{title}"}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_INSTANCES}
    several = {
        "type": "object",
        "additionalProperties": False,
        "required": ["instances"],
        "properties": {"instances": many},
    }
    found = example(model)
    examples = {"one": {"value": found}, "several": {"value": {"instances": [found, found]}}}
    content = {JSON: {"schema": {"anyOf": [one, several]}, "examples": examples}}
    return {
        "summary": model.doc,
        "requestBody": {"required": True, "content": content},
        "responses": _responses(),
    }


def _responses() -> Document:
    def content(name: str, kind: str) -> Document:
        return {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    fault = {"content": content("PredictionProblem", PROBLEM)}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "200": {"description": "Answered.", "content": content("Predictions", JSON)},
        "400": {"description": "A field is wrong; it is named.", **fault},
        "403": {"description": "No API key, or a wrong one."},
        "413": {
            "description": f"More than {MAX_INSTANCES} instances, or more than {BODY_BYTES} bytes.",
            **fault,
        },
        "415": {"description": "Not JSON.", **fault},
        "429": {"description": "Too many requests.", "headers": retry},
        "503": {"description": "No model was promoted yet.", "headers": retry, **fault},
    }


_SERVERS = [{"url": "{UrlForPredictions}", "variables": {"UrlForPredictions": {"default": "/"}}}]
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
                    "predicted_label": {"enum": [0.0, 1.0]},
                    "unseen": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Fields whose value the model was not trained on.",
                    },
                },
            },
        },
        "model_version": {"type": "string"},
        "served_by": {"enum": ["endpoint", "fallback"]},
    },
}
_FAULT = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": "string", "description": "JSON pointer (RFC 6901) into the request."},
    },
}
