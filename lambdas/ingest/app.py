"""The ingestion API, built from injected parts.

A record is `accepted` only once the stream has it. The endpoints read the raw body themselves:
FastAPI's per-field machinery would cost more than everything else together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from secrets import randbits
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from glue import Catalog
from glue.parameters import Parameters
from glue.targets.openapi import document
from lambdas.http import bodies
from lambdas.http.app import new_app
from lambdas.http.rejections import Rejection
from lambdas.http.requests import check_query, check_size
from lambdas.ingest.ledger import DoorLedger, Result
from lambdas.ingest.records import RANDOM_BITS, Event, Prepared, Receipt, events, of_type
from lambdas.ports.ledger import Receipts
from lambdas.ports.stream import Entry, Stream, Unconfirmed

RETRY_AFTER = {"Retry-After": "1"}
FAULT = "internal error; the records may be stored or not: send them again with the same event_ids"
Outcome = Prepared | Rejection
# Reports (as metrics) how many records were accepted and rejected.
Count = Callable[[int, int], None]
NO_USE_CASE = "-"  # of a record whose type is unknown


class Ingestion:
    """Handles one request body; independent of the HTTP framework except for its response class."""

    def __init__(
        self,
        catalog: Catalog,
        stream: Stream,
        clock: Callable[[], datetime],
        count: Count,
        parameters: Mapping[str, Parameters],
        ledger: DoorLedger | None = None,
    ) -> None:
        """Without a `ledger` nothing is counted."""
        self.events = events(catalog, parameters)
        self._ledger = ledger or DoorLedger(_Unwritten())
        self._stream = stream
        self._clock = clock
        self._count = count

    def receive(self, body: bytes, content_type: str | None, event: Event | None) -> Response:
        """Store the valid records; `event` is None for a request of mixed events."""
        media_type = bodies.media_type(content_type)
        check_size(body)
        receipt = Receipt.of(self._clock(), randbits(RANDOM_BITS))
        sent = bodies.records(body, media_type)
        outcomes = [self._prepare(sent, i, event, receipt) for i in range(len(sent.values))]
        owners = [self._owner(value, event) for value in sent.values]
        intended = Counter(
            owner
            for owner, outcome in zip(owners, outcomes, strict=True)
            if isinstance(outcome, Prepared)
        )
        self._ledger.intend(intended, receipt.at)
        unconfirmed = self._store(outcomes)
        self._ledger.settle(_results(owners, outcomes, unconfirmed), receipt.at)
        return self._answer(outcomes)

    def _owner(self, value: Any, event: Event | None) -> str:
        """The use case that a record is of, valid or not."""
        kind = value.get("type") if isinstance(value, dict) else None
        known = event or (self.events.get(kind) if isinstance(kind, str) else None)
        return known.stream.partition("/")[0] if known else NO_USE_CASE

    def _prepare(
        self, sent: bodies.Records, index: int, event: Event | None, receipt: Receipt
    ) -> Outcome:
        value = sent.values[index]
        if isinstance(value, Rejection):
            return value
        outcome = self._checked(value, index, event, receipt)
        if isinstance(outcome, Prepared) or not bodies.has_fraction(value):
            return outcome
        return self._checked(sent.exact(index), index, event, receipt)

    def _checked(self, value: Any, index: int, event: Event | None, receipt: Receipt) -> Outcome:
        try:
            return (event or of_type(value, self.events)).prepare(value, receipt, index)
        except Rejection as rejection:
            return rejection

    def _store(self, outcomes: list[Outcome]) -> set[int]:
        """Store the prepared records; one that is not stored is replaced by a rejection.

        Returns the indices of those that may be stored all the same.
        """
        unconfirmed: set[int] = set()
        by_stream: dict[str, list[tuple[int, Entry]]] = {}
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Prepared):
                by_stream.setdefault(outcome.stream, []).append((index, outcome.entry))
        for stream, prepared in by_stream.items():
            reasons = self._stream.put(stream, [entry for _, entry in prepared])
            for (index, _), reason in zip(prepared, reasons, strict=True):
                if reason is not None:
                    outcomes[index] = _unavailable(reason)
                if isinstance(reason, Unconfirmed):
                    unconfirmed.add(index)
        return unconfirmed

    def _answer(self, outcomes: list[Outcome]) -> Response:
        results = [self._result(index, outcome) for index, outcome in enumerate(outcomes)]
        rejected = [o for o in outcomes if isinstance(o, Rejection)]
        accepted = len(outcomes) - len(rejected)
        unavailable = any(r.code == "unavailable" for r in rejected)
        self._count(accepted, len(rejected))
        content = {"accepted": accepted, "rejected": len(rejected), "results": results}
        status = _status(accepted, len(rejected), unavailable=unavailable)
        headers = RETRY_AFTER if unavailable else None
        return Response(orjson.dumps(content), status, headers, "application/json")

    def _result(self, index: int, outcome: Outcome) -> dict[str, Any]:
        if isinstance(outcome, Rejection):
            return {"index": index, "status": "rejected", "error": outcome.to_json()}
        result = {"index": index, "status": "accepted", "event_id": outcome.event_id}
        return result | {"warning": outcome.warning} if outcome.warning else result


def create_app(
    *,
    catalog: Catalog,
    stream: Stream,
    clock: Callable[[], datetime],
    count: Count = lambda accepted, rejected: None,
    parameters: Mapping[str, Parameters] | None = None,
    ledger: DoorLedger | None = None,
) -> FastAPI:
    """The API of these use cases; `stream` takes names of the form "use case/stream".

    Without a `ledger` nothing is counted.
    """
    parameters = parameters or catalog.configured({})
    catalog = catalog.within(parameters)
    ingestion = Ingestion(catalog, stream, clock, count, parameters, ledger)
    app = new_app("Streaming Data Platform: ingestion", fault=FAULT)
    app.openapi = lambda: document(catalog)  # type: ignore[method-assign]  # FastAPI's own hook
    app.add_api_route("/events", _endpoint(ingestion, None), methods=["POST"])
    for name, event in ingestion.events.items():
        app.add_api_route(f"/{name}", _endpoint(ingestion, event), methods=["POST"])
    return app


def _endpoint(ingestion: Ingestion, event: Event | None) -> Callable[[Request], Any]:
    async def receive(request: Request) -> Response:
        check_query(request)
        bodies.check_encoding(request.headers.get("content-encoding"))
        body = await request.body()
        return ingestion.receive(body, request.headers.get("content-type"), event)

    return receive


class _Unwritten:
    """A ledger that nobody reads."""

    def put(self, receipts: Receipts) -> None:
        """Forgets the receipts."""


def _results(
    owners: Sequence[str], outcomes: Sequence[Outcome], unconfirmed: set[int]
) -> dict[str, Result]:
    """What became of a request's records, by use case."""
    counts: Counter[tuple[str, str]] = Counter()
    for index, (owner, outcome) in enumerate(zip(owners, outcomes, strict=True)):
        rejected = "unknown" if index in unconfirmed else "refused"
        counts[owner, rejected if isinstance(outcome, Rejection) else "ok"] += 1
    return {
        owner: Result(counts[owner, "ok"], counts[owner, "refused"], counts[owner, "unknown"])
        for owner in dict.fromkeys(owners)
    }


def _status(accepted: int, rejected: int, *, unavailable: bool) -> int:
    if not rejected:
        return 202
    if accepted:
        return 207
    return 503 if unavailable else 400


def _unavailable(reason: str) -> Rejection:
    return Rejection("unavailable", "", f"not stored: {reason}; send the record again")
