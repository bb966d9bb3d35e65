"""The prediction API, built from injected parts: one route for each use case with a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from glue import Catalog
from glue.models import Model
from lambdas.ingest.problems import Problem
from lambdas.ingest.rejections import Rejection
from lambdas.predict.answering import NoModel, Predictor
from lambdas.predict.requests import instances
from lambdas.problem import problem

# Tells the outside (metrics) who answered.
Count = Callable[[str], None]


def create_app(
    catalog: Catalog, predictors: Mapping[str, Predictor], count: Count = lambda served_by: None
) -> FastAPI:
    """`POST /predictions/{use case}`, and `/predictions` for the first of them."""
    app = FastAPI(title="Predictions", docs_url=None, redoc_url=None, openapi_url=None)
    # API Gateway answers the preflight; the answers themselves must name the origin too.
    app.add_middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["Retry-After"])
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Rejection, _rejection)
    app.add_exception_handler(NoModel, _no_model)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _fault)
    for number, (name, predictor) in enumerate(predictors.items()):
        model = cast(Model, catalog.use_case(name).model)
        paths = [f"/predictions/{name}"] + (["/predictions"] if number == 0 else [])
        for path in paths:
            app.add_api_route(path, _endpoint(model, predictor, count), methods=["POST"])
    return app


def _endpoint(model: Model, predictor: Predictor, count: Count) -> Callable[[Request], Any]:
    async def predict(request: Request) -> Response:
        asked = instances(await request.body(), request.headers.get("content-type"), model)
        answer = await run_in_threadpool(predictor.predict, asked)
        count(answer.served_by)
        return Response(orjson.dumps(answer.to_json()), media_type="application/json")

    return predict


def _problem(request: Request, error: Exception) -> Response:
    return cast(Problem, error).to_response()


def _rejection(request: Request, error: Exception) -> Response:
    found = cast(Rejection, error)
    return problem(400, found.message, code=found.code, field=found.field)


def _no_model(request: Request, error: Exception) -> Response:
    return problem(503, str(error), {"Retry-After": "60"})


def _http_problem(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    return problem(found.status_code, str(found.detail), found.headers)


def _fault(request: Request, error: Exception) -> Response:
    """The cause goes to the log (the adapter writes it), not to the caller."""
    return problem(500, "a fault of ours; asking again may help", {"Retry-After": "1"})
