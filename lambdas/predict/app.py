"""The prediction API, built from injected parts: one route for each use case with a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from glue import Catalog
from glue.models import Model
from lambdas.http.app import add_health, new_app
from lambdas.http.bodies import check_encoding
from lambdas.http.problems import problem
from lambdas.http.rejections import Rejection
from lambdas.http.requests import check_query
from lambdas.predict.answering import NoModel, Predictor
from lambdas.predict.requests import instances

FAULT = "internal error; send the request again"
# Reports (as a metric) who answered.
Count = Callable[[str], None]


def create_app(
    catalog: Catalog, predictors: Mapping[str, Predictor], count: Count = lambda served_by: None
) -> FastAPI:
    """`POST /predictions/{use case}`, and `/predictions` for the first of them."""
    app = new_app("Predictions", fault=FAULT, openapi_url=None)
    add_health(app, "/predictions/health")
    app.add_exception_handler(Rejection, _rejection)
    app.add_exception_handler(NoModel, _no_model)
    for number, (name, predictor) in enumerate(predictors.items()):
        model = cast(Model, catalog.use_case(name).model)
        paths = [f"/predictions/{name}"] + (["/predictions"] if number == 0 else [])
        for path in paths:
            app.add_api_route(path, _endpoint(model, predictor, count), methods=["POST"])
    return app


def _endpoint(model: Model, predictor: Predictor, count: Count) -> Callable[[Request], Any]:
    async def predict(request: Request) -> Response:
        check_query(request)
        check_encoding(request.headers.get("content-encoding"))
        requested = instances(await request.body(), request.headers.get("content-type"), model)
        answer = await run_in_threadpool(predictor.predict, requested)
        count(answer.served_by)
        return Response(orjson.dumps(answer.to_json()), media_type="application/json")

    return predict


def _rejection(request: Request, error: Exception) -> Response:
    rejection = cast(Rejection, error)
    return problem(400, rejection.message, code=rejection.code, field=rejection.field)


def _no_model(request: Request, error: Exception) -> Response:
    return problem(503, str(error), {"Retry-After": "60"})
