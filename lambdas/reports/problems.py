"""The reports' own error, beside those of every query, as a RFC 9457 problem document."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from lambdas.http import queries
from lambdas.http.problems import problem
from lambdas.ports.report_store import StoreUnavailable

RETRY_AFTER = "1"


def install(app: FastAPI) -> None:
    """Make the app return a problem document for each of them."""
    queries.install(app)

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, error: StoreUnavailable) -> Response:
        return problem(503, "the reports cannot be read now", {"Retry-After": RETRY_AFTER})
