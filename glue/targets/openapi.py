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
EVENTS = "Events"
EXAMPLE_URL = "https://api-id.execute-api.eu-west-1.amazonaws.com/v1"
RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
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
    paths = {f"/{name}": _one(name, event) for event in events for name in _names(event)}
    paths["/events"] = _mixed(events)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streaming Data Platform: ingestion",
            "version": "1",
            "description": "A record is accepted only once it is stored durably.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": servers("UrlForAPI"),
        "tags": [{"name": EVENTS, "description": "Records in."}],
        "paths": paths,
        "components": {
            "schemas": components(catalog),
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
        "security": [{"apiKey": []}],
    }


def servers(output: str, doc: str = "") -> list[dict[str, Any]]:
    """The one server of an API: its address is an output of the deployment."""
    url = {"default": EXAMPLE_URL, "description": doc or f"The output {output}."}
    return [{"url": f"{{{output}}}", "variables": {output: url}}]


def components(catalog: Catalog) -> dict[str, Any]:
    """The schemas: each event's, with and without its type needed; the answers' of all APIs."""
    models = [event_model(e) for use_case in catalog.use_cases for e in use_case.events]
    _, generated = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF
    )
    schemas: dict[str, Any] = generated["$defs"]
    events = [event for use_case in catalog.use_cases for event in use_case.events]
    typed = {f"Any{e.name}": _typed(e, schemas[e.name]) for e in events}
    refused = {"oneOf": [{"$ref": _REF.format(model=name)} for name in ("Answer", "Problem")]}
    return {**schemas, **typed, "Answer": _ANSWER, "Problem": _PROBLEM, "Refused": refused}


def _typed(event: Schema, schema: dict[str, Any]) -> dict[str, Any]:
    """The event where others may be sent beside it: `type` says which it is."""
    kind = {"type": "string", "enum": list(_names(event)), "description": "Which event this is."}
    return {
        **schema,
        "title": f"Any{event.name}",
        "properties": {**schema["properties"], "type": kind},
        "required": ["type", *schema.get("required", ())],
    }


def example(schema: Schema) -> dict[str, Any]:
    """A record that is accepted, every field of it sent."""
    own = {column.name: _example(column.type, column.name) for column in schema.columns}
    return {"type": schema.type, **own}


def request_body(events: list[Schema], *, typed: bool = False) -> dict[str, Any]:
    """One record of these events, an array of them, or one a line."""
    names = [f"Any{event.name}" if typed else event.name for event in events]
    refs = [{"$ref": _REF.format(model=name)} for name in names]
    one: dict[str, Any] = {"oneOf": refs, "discriminator": _discriminator(events)}
    if not typed:
        (one,) = refs
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


def _discriminator(events: list[Schema]) -> dict[str, Any]:
    mapping = {n: _REF.format(model=f"Any{e.name}") for e in events for n in _names(e)}
    return {"propertyName": "type", "mapping": mapping}


def problem(description: str, *, retry: bool = False) -> dict[str, Any]:
    """A response with a problem document."""
    content = {
        "description": description,
        "content": {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    return {**content, "headers": RETRY} if retry else content


def everywhere() -> dict[str, Any]:
    """The answers that every operation of every API can give."""
    return {
        "403": problem("No API key, or a wrong one."),
        "429": problem("Too many requests.", retry=True),
        "500": problem("An internal error; send the request again.", retry=True),
        "503": problem("Not available now; send the request again.", retry=True),
    }


def responses() -> dict[str, Any]:
    """The answers of every endpoint of ingestion, by status."""
    answer = {JSON: {"schema": {"$ref": _REF.format(model="Answer")}}}
    # Clients that are generated read one media type of a status: each of the two has both forms.
    either = {kind: {"schema": {"$ref": _REF.format(model="Refused")}} for kind in (JSON, PROBLEM)}
    too_large = f"More than {MAX_RECORDS} records, or more than {BODY_BYTES} bytes."
    return {
        "202": {"description": "All accepted.", "content": answer},
        "207": {"description": "Some accepted.", "content": answer},
        "400": {"description": "None accepted, or no records.", "content": either},
        "413": problem(too_large),
        "415": problem("Neither JSON nor NDJSON."),
        **everywhere(),
        "503": {"description": "Not stored; send again.", "headers": RETRY, "content": either},
    }


def _one(name: str, event: Schema) -> dict[str, Any]:
    title = f"Send {event.name} records"
    return {"post": _operation(name, title, event.doc, request_body([event]))}


def _mixed(events: list[Schema]) -> dict[str, Any]:
    doc = "Records of any event; each names its `type`."
    body = request_body(events, typed=True)
    return {"post": _operation("events", "Send records of any event", doc, body)}


def _operation(name: str, summary: str, doc: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"send_{name.replace('-', '_')}",
        "summary": summary,
        "description": doc,
        "tags": [EVENTS],
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
        "code": {"type": "string", "enum": list(_CODES)},
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
                    "status": {"type": "string", "enum": ["accepted", "rejected"]},
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
    "description": "A problem document, RFC 9457; API Gateway's own have no `detail`.",
    "required": ["type", "title"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to send instead."},
        "code": {"type": "string", "description": "What is wrong with the field."},
        "field": {"type": "string", "description": "JSON pointer (RFC 6901) into the request."},
        "parameter": {"type": "string", "description": "The query parameter at fault."},
        "position": {
            "type": "object",
            "description": "Where in an expression: characters from 0, line and column from 1.",
            "properties": {n: {"type": "integer"} for n in ("offset", "line", "column")},
        },
        "earliest": {
            "type": "string",
            "format": "date-time",
            "description": "The earliest valid_from that is possible.",
        },
    },
    "example": {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "send at least one record",
    },
}
