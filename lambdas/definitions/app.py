"""The definitions' HTTP API, built from injected parts.

`/definitions/{use_case}`, `…/{kind}`, `…/{kind}/{name}` and `…/{name}/test`.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from glue import Catalog, UseCase
from glue.definitions import DefinitionKind, Definitions
from glue.instants import parse as parse_instant
from glue.instants import to_millis
from glue.parameters import Parameters
from lambdas.definitions import paging, preconditions, versions
from lambdas.definitions.documents import Checkers, parse
from lambdas.definitions.features import Features
from lambdas.definitions.preconditions import Precondition
from lambdas.definitions.problems import install
from lambdas.definitions.references import References
from lambdas.definitions.trying import Trial, Trier
from lambdas.definitions.versions import Writer
from lambdas.http.app import add_health, new_app
from lambdas.http.bodies import JSON, check_encoding, document, media_type
from lambdas.http.paths import EncodedSlashes, decoded
from lambdas.http.queries import BadParameter, NotFound
from lambdas.http.requests import InvalidRequest, check_size
from lambdas.ports.business_events import BusinessEvents
from lambdas.ports.definitions import DefinitionsStore, Version

FAULT = "internal error; send the request again"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NO_FIELDS = frozenset({"false", "in", "null", "true"})  # words that CEL keeps for itself
MAX_PAGE = 100


@dataclass(frozen=True)
class Service:
    """A use case's definitions, and everything that its routes need."""

    use_case: UseCase
    declared: Definitions
    checkers: Checkers
    store: DefinitionsStore
    table: str
    writer: Writer
    trier: Trier
    now: Callable[[], int]

    def kind(self, name: str) -> DefinitionKind:
        """The kind of that name. Raises NotFound with the choices."""
        kind = self.declared.kind(name)
        if kind is None:
            choices = ", ".join(k.name for k in self.declared.kinds)
            raise NotFound(f"{self.use_case.name} has no kind {name!r}; kinds: {choices}")
        return kind

    def head(self, kind: str, name: str) -> Version:
        """The newest version of a definition that has not ended. Raises NotFound."""
        head = self.store.head(self.table, kind, name)
        if head is None:
            raise NotFound(f"there is no {kind} {name!r}")
        if versions.is_over(head, self.now()):
            raise NotFound(f"{kind} {name!r} has ended; ?history=true has its versions")
        return head


def create_app(
    catalog: Catalog,
    store: DefinitionsStore,
    tables: Mapping[str, str],
    parameters: Mapping[str, Parameters],
    business_events: BusinessEvents,
    now: Callable[[], int],
    monotonic: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The routes over every use case with definitions; `tables` by use case, `now` in epoch ms.

    `monotonic` returns seconds, by which a test over a range ends in time.
    """
    services = {
        use_case.name: _service(
            use_case, store, tables, parameters, business_events, now, monotonic
        )
        for use_case in catalog.use_cases
        if use_case.definitions
    }
    app = new_app("Definitions", fault=FAULT, openapi_url=None)
    app.add_middleware(EncodedSlashes)
    add_health(app, "/definitions/health")
    install(app)
    routes = _Routes(services)
    one = "/definitions/{use_case}/{kind}/{name}"
    for path in ("/definitions/{use_case}", "/definitions/{use_case}/{kind}"):
        app.add_api_route(path, routes.list, methods=["GET", "HEAD"])
    app.add_api_route(one, routes.get, methods=["GET", "HEAD"])
    app.add_api_route(one, routes.put, methods=["PUT"])
    app.add_api_route(one, routes.delete, methods=["DELETE"])
    app.add_api_route(f"{one}/test", routes.test, methods=["POST"])
    return app


def _service(
    use_case: UseCase,
    store: DefinitionsStore,
    tables: Mapping[str, str],
    parameters: Mapping[str, Parameters],
    business_events: BusinessEvents,
    now: Callable[[], int],
    monotonic: Callable[[], float],
) -> Service:
    declared, table = cast(Definitions, use_case.definitions), tables[use_case.name]
    lead = cast(timedelta, parameters[use_case.name]["DefinitionsLead"]) // timedelta(
        milliseconds=1
    )
    features = Features(declared, store, table)
    checkers = Checkers(declared, features.columns)
    trier = Trier(
        use_case, declared, checkers, store, table, features, business_events, now, monotonic
    )
    writer = Writer(store, table, lead, now, References(declared, store, table).check)
    return Service(use_case, declared, checkers, store, table, writer, trier, now)


class _Routes:
    """Each reads the request, calls the service in a thread, and returns its answer."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    def _service(self, request: Request) -> Service:
        name = request.path_params["use_case"]
        if name not in self._services:
            raise NotFound(
                f"use case {name!r} has no definitions; those with some: "
                f"{', '.join(self._services)}"
            )
        return self._services[name]

    async def list(self, request: Request) -> Response:
        query = _query(request, "limit", "next")
        service, kind = self._service(request), request.path_params.get("kind")
        if kind is not None:
            service.kind(kind)
        limit, after = _limit(query), paging.decode(query.get("next"), kind or "")
        found = await run_in_threadpool(service.store.heads, service.table, kind, after, limit + 1)
        rows = found[:limit]
        more = len(found) > limit
        return _json(
            {
                "definitions": [
                    versions.shown(v) for v in rows if not versions.is_over(v, service.now())
                ],
                "next": paging.encode(f"{rows[-1].kind}#{rows[-1].name}", kind or "")
                if more
                else None,
            }
        )

    async def get(self, request: Request) -> Response:
        query = _query(request, "history", "limit", "next")
        service, kind, name = self._definition(request)
        if _flag(query, "history"):
            return await run_in_threadpool(self._history, service, kind.name, name, query)
        if extra := sorted(query.keys() & {"limit", "next"}):
            raise BadParameter(extra[0], "goes with history=true only")
        head = await run_in_threadpool(service.head, kind.name, name)
        if Precondition.of(request.headers).is_known(head):
            return Response(b"", 304, {"ETag": preconditions.etag(head)})
        return _json(versions.shown(head), head)

    def _history(
        self, service: Service, kind: str, name: str, query: Mapping[str, str]
    ) -> Response:
        limit, scope = _limit(query), f"{kind}#{name}"
        token = paging.decode(query.get("next"), scope)
        before = int(token) if token.isdigit() else 10**12
        found = service.store.history(service.table, kind, name, before, limit + 1)
        if not found and not token:
            raise NotFound(f"there is no {kind} {name!r}")
        rows, more = found[:limit], len(found) > limit
        return _json(
            {
                "versions": [versions.shown(version) for version in rows],
                "next": paging.encode(str(rows[-1].version), scope) if more else None,
            }
        )

    async def put(self, request: Request) -> Response:
        _query(request)
        service, kind, name = self._definition(request)
        precondition, sent = Precondition.of(request.headers), await _body(request)

        def write() -> Version:
            draft = parse(sent, kind, service.declared, service.checkers)
            return service.writer.put(kind.name, name, draft, precondition)

        version = await run_in_threadpool(write)
        return _json(versions.shown(version), version, status=201)

    async def delete(self, request: Request) -> Response:
        query = _query(request, "valid_from")
        service, kind, name = self._definition(request)
        precondition, valid_from = Precondition.of(request.headers), _instant(query)
        version = await run_in_threadpool(
            service.writer.end, kind.name, name, valid_from, precondition
        )
        return _json(versions.shown(version), version)

    async def test(self, request: Request) -> Response:
        _query(request)
        service, kind, name = self._definition(request)
        sent = await _body(request)

        def answer() -> Mapping[str, Any]:
            trial = Trial.parse(sent, kind, service.declared, service.checkers)
            return service.trier.answer(trial, kind, name)

        return _json(await run_in_threadpool(answer))

    def _definition(self, request: Request) -> tuple[Service, DefinitionKind, str]:
        service, name = self._service(request), decoded(request.path_params["name"])
        kind = service.kind(request.path_params["kind"])
        if not NAME.fullmatch(name):
            raise BadParameter(
                "name",
                f"{name[:80]!r} is no name; it has 1 to 64 lower case letters, digits, hyphens "
                "and underscores, a letter first",
            )
        if kind.is_feature and ("-" in name or name in NO_FIELDS):
            raise BadParameter(
                "name",
                f"{name!r} cannot be written as features.{name}; a {kind.name}'s name has no "
                f"hyphens, and is none of {', '.join(sorted(NO_FIELDS))}",
            )
        return service, kind, name


def _json(body: Mapping[str, Any], version: Version | None = None, status: int = 200) -> Response:
    headers = {} if version is None else {"ETag": preconditions.etag(version)}
    return Response(orjson.dumps(body), status, headers, JSON)


async def _body(request: Request) -> Any:
    check_encoding(request.headers.get("content-encoding"))
    body = await request.body()
    check_size(body)
    if media_type(request.headers.get("content-type")) != JSON:
        raise InvalidRequest(415, f"send {JSON}")
    return document(body)


def _query(request: Request, *known: str) -> dict[str, str]:
    """The query's parameters. Raises BadParameter for an unknown or repeated one."""
    items = request.query_params.multi_items()
    for name, count in Counter(name for name, _ in items).items():
        if name not in known:
            choices = f"parameters: {', '.join(known)}" if known else "there are none here"
            raise BadParameter(name, f"unknown parameter; {choices}")
        if count > 1:
            raise BadParameter(name, f"is repeated {count} times; send it once")
    return dict(items)


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise BadParameter(name, f"{value[:60]!r}: send true or false")
    return value == "true"


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(MAX_PAGE))
    if not re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII) or int(text) > MAX_PAGE:
        raise BadParameter("limit", f"{text[:60]!r}: send an integer from 1 to {MAX_PAGE}")
    return int(text)


def _instant(query: Mapping[str, str]) -> int | None:
    text = query.get("valid_from")
    if text is None:
        return None
    try:
        return to_millis(parse_instant(int(text) if text.isascii() and text.isdigit() else text))
    except ValueError as error:
        raise BadParameter("valid_from", f"{text[:60]!r}: {error}") from None
