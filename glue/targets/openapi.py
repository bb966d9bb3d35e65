"""The events of a catalog as OpenAPI: request bodies with full schemas and examples, answers."""

from __future__ import annotations

import json
from typing import Any, assert_never

from pydantic.json_schema import models_json_schema

from glue.catalog import Catalog
from glue.limits import BODY_BYTES
from glue.schema import Schema
from glue.targets.pydantic import event_model
from glue.types import Boolean, ColumnType, Double, Integer, String, Struct, Timestamp

JSON, NDJSON, PROBLEM = "application/json", "application/x-ndjson", "application/problem+json"
MAX_RECORDS = 500
_REF = "#/components/schemas/{model}"
_CODES = (
    "duplicate_field",
    "in_future",
    "invalid_time",
    "malformed",
    "missing_field",
    "out_of_range",
    "too_large",
    "too_long",
    "too_short",
    "type_mismatch",
    "unavailable",
    "unknown_field",
    "unknown_type",
    "wrong_type",
)


def document(catalog: Catalog) -> dict[str, Any]:
    """The whole OpenAPI document of ingestion."""
    events = [event for use_case in catalog.use_cases for event in use_case.events]
    paths = {f"/{name}": _one(event) for event in events for name in _names(event)}
    paths["/events"] = _mixed(events)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streaming Data Platform: ingestion",
            "version": "1",
            "description": "A record is accepted only once it is stored durably.",
        },
        "paths": paths,
        "components": {
            "schemas": components(catalog),
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
        "security": [{"apiKey": []}],
    }


def components(catalog: Catalog) -> dict[str, Any]:
    """The schemas: each event's, the answer's and the problem document's."""
    models = [event_model(e) for use_case in catalog.use_cases for e in use_case.events]
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas: dict[str, Any] = found["$defs"]
    return {**schemas, "Answer": _ANSWER, "Problem": _PROBLEM}


def example(schema: Schema) -> dict[str, Any]:
    """A record that is accepted, every field of it sent."""
    own = {column.name: _example(column.type, column.name) for column in schema.columns}
    return {"type": schema.type, **own}


def request_body(events: list[Schema]) -> dict[str, Any]:
    """One record of these events, an array of them, or one a line."""
    refs = [{"$ref": _REF.format(model=event.name)} for event in events]
    one = refs[0] if len(refs) == 1 else {"oneOf": refs}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_RECORDS}
    samples = [example(event) for event in events]
    lines = "\n".join(json.dumps(sample) for sample in samples)
    return {
        "required": True,
        "content": {
            JSON: {
                "schema": {"anyOf": [one, many]},
                "examples": {
                    "one": {"value": samples[0]},
                    "several": {"value": samples if len(samples) > 1 else samples * 2},
                },
            },
            NDJSON: {"schema": {"type": "string"}, "example": lines},
        },
    }


def responses() -> dict[str, Any]:
    """The answers of every endpoint, by status."""
    answer = {JSON: {"schema": {"$ref": _REF.format(model="Answer")}}}
    problem = {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "202": {"description": "All accepted.", "content": answer},
        "207": {"description": "Some accepted.", "content": answer},
        "400": {"description": "None accepted, or no records.", "content": {**answer, **problem}},
        "403": {"description": "No API key, or a wrong one."},
        "413": {
            "description": f"More than {MAX_RECORDS} records, or more than {BODY_BYTES} bytes.",
            "content": problem,
        },
        "415": {"description": "Neither JSON nor NDJSON.", "content": problem},
        "429": {"description": "Too many requests.", "headers": retry},
        "503": {"description": "Not stored; send again.", "headers": retry, "content": answer},
    }


def _one(event: Schema) -> dict[str, Any]:
    title = f"Send {event.name} records"
    return {"post": _operation(title, event.doc, request_body([event]))}


def _mixed(events: list[Schema]) -> dict[str, Any]:
    doc = "Records of any event; each names its `type`."
    return {"post": _operation("Send records of any event", doc, request_body(events))}


def _operation(summary: str, doc: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": doc,
        "requestBody": body,
        "responses": responses(),
    }


def _names(event: Schema) -> tuple[str, ...]:
    return (event.type, *event.aliases)


def _example(kind: ColumnType, name: str) -> Any:
    match kind:
        case String(low, _):
            return name.ljust(low, "x")
        case Integer(minimum, maximum):
            return min(max(1, minimum), maximum)
        case Double(floor, ceiling):
            return min(max(0.5, floor or 0.5), ceiling or 0.5)
        case Boolean():
            return True
        case Timestamp():
            return "2026-11-21T10:00:00.000Z"
        case Struct(columns):
            return {c.name: _example(c.type, c.name) for c in columns}
        case _:
            assert_never(kind)


_COUNT = {"type": "integer", "minimum": 0}
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["code", "field", "message"],
    "properties": {
        "code": {"enum": list(_CODES)},
        "field": {"type": "string", "description": "JSON pointer (RFC 6901) into the record."},
        "message": {"type": "string", "description": "Names the value and what to send."},
    },
}
_WARNING = {**_ERROR, "properties": {**_ERROR["properties"], "code": {"enum": ["late"]}}}
_ANSWER = {
    "type": "object",
    "required": ["accepted", "rejected", "results"],
    "properties": {
        "accepted": _COUNT,
        "rejected": _COUNT,
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "status"],
                "properties": {
                    "index": {**_COUNT, "description": "The record's position in the request."},
                    "status": {"enum": ["accepted", "rejected"]},
                    "event_id": {"type": "string", "description": "Of an accepted record."},
                    "error": {**_ERROR, "description": "Of a rejected record."},
                    "warning": {
                        **_WARNING,
                        "description": "Of an accepted record that may be too late to be counted.",
                    },
                },
            },
        },
    },
    "example": {
        "accepted": 1,
        "rejected": 1,
        "results": [
            {"index": 0, "status": "accepted", "event_id": "6f1c"},
            {
                "index": 1,
                "status": "rejected",
                "error": {
                    "code": "out_of_range",
                    "field": "/amount",
                    "message": "-1 is too small; send 0 or more",
                },
            },
        ],
    },
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
