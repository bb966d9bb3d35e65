"""The definitions' paths of the OpenAPI document: those of each use case and kind, typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glue import Catalog, UseCase
from glue.definitions import MODES, DefinitionKind
from glue.targets.openapi import everywhere, problem, servers
from lambdas.definitions.documents import model_of
from lambdas.definitions.references import TEMPLATE
from lambdas.definitions.trying import MAX_SAMPLES

TAG = "Definitions"
_JSON = "application/json"
Document = dict[str, Any]
_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"},
    "description": "The definition's name.",
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": 'Only if the newest version is this one, as "3".',
}
_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "With * only if there is no such definition.",
}
_INSTANT = {"type": "string", "format": "date-time"}
_PAGING = [
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
        "description": "Maximum number of rows.",
    },
    {
        "name": "next",
        "in": "query",
        "schema": {"type": "string"},
        "description": "The `next` of the previous page.",
    },
]
_HISTORY = {
    "name": "history",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Every version instead of the newest.",
}
_VERSION = {
    "type": "object",
    "description": "A version of a definition.",
    "required": ["kind", "name", "version", "valid_from", "mode", "ended", "definition"],
    "properties": {
        "kind": {"type": "string"},
        "name": {"type": "string"},
        "version": {"type": "integer", "minimum": 1, "description": "Counts from 1."},
        "valid_from": {**_INSTANT, "description": "Event time from which it decides."},
        "mode": {"type": "string", "enum": list(MODES)},
        "ended": {"type": "boolean", "description": "From valid_from on there is none."},
        "written_at": _INSTANT,
        "definition": {"type": "object", "description": "The document."},
    },
}


def add_definitions(spec: Document, catalog: Catalog) -> Document:
    """The document with the definitions of every use case that declares some."""
    declaring = [u for u in catalog.use_cases if u.definitions]
    if not declaring:
        return spec
    paths = {path: item for u in declaring for path, item in _paths(u)}
    schemas = {_schema_name(u, kind): _body(kind) for u in declaring for kind in _kinds(u)}
    components = spec["components"]
    named = {**components["schemas"], **schemas, "DefinitionVersion": _VERSION}
    return {
        **spec,
        "tags": [*spec["tags"], {"name": TAG, "description": "What changes while a job runs."}],
        "paths": {**spec["paths"], **paths},
        "components": {**components, "schemas": named},
    }


def _kinds(use_case: UseCase) -> tuple[DefinitionKind, ...]:
    return use_case.definitions.kinds if use_case.definitions else ()


def _schema_name(use_case: UseCase, kind: DefinitionKind) -> str:
    words = f"{use_case.name}_{kind.name}_definition".split("_")
    return "".join(word.title() for word in words)


def _body(kind: DefinitionKind) -> Document:
    schema: Document = model_of(kind).model_json_schema()
    return schema


def _paths(use_case: UseCase) -> Iterator[tuple[str, Document]]:
    base, name = f"/definitions/{use_case.name}", use_case.name
    yield base, {"servers": _servers(), "get": _list(f"list_{name}_definitions")}
    for kind in _kinds(use_case):
        own = f"{name}_{kind.name}"
        body = {"$ref": f"#/components/schemas/{_schema_name(use_case, kind)}"}
        path = f"{base}/{kind.name}"
        yield path, {"servers": _servers(), "get": _list(f"list_{own}_definitions")}
        yield (
            f"{path}/{{name}}",
            {
                "servers": _servers(),
                "get": _get(own),
                "put": _put(own, kind, body),
                "delete": _delete(own, kind),
            },
        )
        if kind.is_tested:
            yield f"{path}/{{name}}/test", {"servers": _servers(), "post": _test(own, body)}


def _servers() -> list[Document]:
    return servers("UrlForDefinitions")


def _operation(id_: str, summary: str, parameters: list[Any], answers: Document) -> Document:
    return {
        "operationId": id_,
        "summary": summary,
        "description": f"{summary}: docs/definitions.md.",
        "tags": [TAG],
        "parameters": parameters,
        "responses": {
            "400": problem("Something is invalid; the detail has its field or parameter."),
            "404": problem("There is no such definition."),
            **everywhere(),
            **answers,
        },
    }


def _answer(description: str, schema: Document, *, tag: bool = False) -> Document:
    answer: Document = {"description": description, "content": {_JSON: {"schema": schema}}}
    if tag:
        answer["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The version."}}
    return answer


def _version(description: str) -> Document:
    return _answer(description, {"$ref": "#/components/schemas/DefinitionVersion"}, tag=True)


def _page(rows: str) -> Document:
    return {
        "type": "object",
        "required": [rows, "next"],
        "properties": {
            rows: {"type": "array", "items": {"$ref": "#/components/schemas/DefinitionVersion"}},
            "next": {"type": ["string", "null"]},
        },
    }


def _list(id_: str) -> Document:
    answer = _answer("The newest version of each.", _page("definitions"))
    return _operation(id_, "List definitions", _PAGING, {"200": answer})


def _get(own: str) -> Document:
    either = {"anyOf": [{"$ref": "#/components/schemas/DefinitionVersion"}, _page("versions")]}
    answers = {
        "200": _answer("The newest version, or every version.", either),
        "304": {"description": "It is the one of If-None-Match."},
    }
    parameters = [_NAME, _HISTORY, *_PAGING, _NONE_MATCH]
    return _operation(f"get_{own}_definition", "Get a definition", parameters, answers)


def _put(own: str, kind: DefinitionKind, body: Document) -> Document:
    answers = {
        "201": _version("The version that was written."),
        "409": _conflict(kind, "another"),
        "412": problem("The newest version is not that of If-Match."),
        "413": problem("The body is too large."),
        "415": problem("Not JSON."),
    }
    parameters = [_NAME, _MATCH, _NONE_MATCH]
    operation = _operation(f"put_{own}_definition", f"Write a {kind.name}", parameters, answers)
    return {
        **operation,
        "description": kind.doc,
        "requestBody": {"required": True, "content": {_JSON: {"schema": body}}},
    }


def _conflict(kind: DefinitionKind, change: str) -> Document:
    past = "valid_from is in the past: `earliest` is the earliest that is possible."
    in_use = f" Or it would be {change}, and `used_by` names those that use it then."
    is_used = kind.is_feature or kind.name == TEMPLATE
    return problem(past + (in_use if is_used else ""))


def _delete(own: str, kind: DefinitionKind) -> Document:
    valid_from = {
        "name": "valid_from",
        "in": "query",
        "schema": _INSTANT,
        "description": "From when on it is ended.",
    }
    answers = {
        "200": _version("The version that ends it."),
        "409": _conflict(kind, "ended"),
        "412": problem("The newest version is not that of If-Match."),
    }
    parameters = [_NAME, valid_from, _MATCH]
    return _operation(f"delete_{own}_definition", "End a definition", parameters, answers)


def _test(own: str, body: Document) -> Document:
    sent = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "definition": {"anyOf": [body, {"type": "null"}]},
            "events": {
                "type": ["array", "null"],
                "items": {"type": "object"},
                "minItems": 1,
                "maxItems": MAX_SAMPLES,
                "description": "Samples: event and profile.",
            },
            "from": {"anyOf": [_INSTANT, {"type": ["integer", "null"]}]},
            "to": {"anyOf": [_INSTANT, {"type": ["integer", "null"]}]},
        },
    }
    answers = {
        "200": _answer("What it would do.", {"type": "object"}),
        "413": problem("The body is too large."),
        "415": problem("Not JSON."),
    }
    operation = _operation(f"test_{own}_definition", "Test a definition", [_NAME], answers)
    return {
        **operation,
        "requestBody": {"required": True, "content": {_JSON: {"schema": sent}}},
    }
