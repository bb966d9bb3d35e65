"""The definitions' own errors as RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response

from glue.errors import PlatformError
from glue.instants import from_millis, to_wire
from lambdas.definitions.documents import Misplaced
from lambdas.http.problems import problem
from lambdas.http.queries import BadParameter, NotFound
from lambdas.http.rejections import Rejection
from lambdas.ports.business_events import LakeTooSlow, LakeUnavailable
from lambdas.ports.report_store import StoreUnavailable

LAKE_RETRY_AFTER = "5"  # seconds; a query takes longer than a read of the table


class PreconditionFailed(PlatformError):
    """The newest version is not the one that If-Match names."""


class TooEarly(PlatformError):
    """The version would be valid at or before the frontier."""

    def __init__(self, valid_from: int, frontier: int) -> None:
        earliest = to_wire(from_millis(max(frontier + 1, 0)))
        super().__init__(
            f"valid_from {to_wire(from_millis(valid_from))}: events of this time are decided "
            f"already; the earliest possible instant is {earliest}. Without valid_from it is now "
            "and DefinitionsLead"
        )
        self.earliest = earliest


class InUse(PlatformError):
    """Definitions in force need what would no longer be there, or be another."""

    def __init__(self, used: str, change: str, users: Sequence[str]) -> None:
        super().__init__(
            f"{used} cannot {change}: {', '.join(users)} use it then; change or end them first, "
            "from the same instant or before"
        )
        self.users = list(users)


class Contended(PlatformError):
    """Other writers were first, again and again."""


def install(app: FastAPI) -> None:
    """Make the app return a problem document for each of them."""
    responses: dict[type[Exception], Any] = {
        BadParameter: lambda e: problem(400, str(e), parameter=e.parameter),
        Rejection: _rejection,
        NotFound: lambda e: problem(404, str(e)),
        TooEarly: lambda e: problem(409, str(e), earliest=e.earliest, field="/valid_from"),
        InUse: lambda e: problem(409, str(e), used_by=e.users),
        PreconditionFailed: lambda e: problem(412, str(e)),
        Contended: lambda e: problem(503, str(e), {"Retry-After": "1"}),
        StoreUnavailable: lambda e: problem(
            503, "the definitions cannot be read or written now", {"Retry-After": "1"}
        ),
        LakeUnavailable: lambda e: problem(
            503, f"the lake cannot be read: {e}", {"Retry-After": LAKE_RETRY_AFTER}
        ),
        LakeTooSlow: lambda e: problem(
            503,
            "the lake did not answer in time; send the request again, or test a shorter range",
            {"Retry-After": LAKE_RETRY_AFTER},
        ),
    }
    for kind, respond in responses.items():
        app.add_exception_handler(kind, _handler(respond))


def _handler(respond: Any) -> Any:
    def handle(request: Request, error: Exception) -> Response:
        response: Response = respond(error)
        return response

    return handle


def _rejection(error: Rejection) -> Response:
    more: dict[str, Any] = {"code": error.code, "field": error.field}
    if isinstance(error, Misplaced):
        more["position"] = error.position
    return problem(400, error.message, **more)
