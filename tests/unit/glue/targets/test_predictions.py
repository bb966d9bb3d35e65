"""The OpenAPI of predictions agrees with what the prediction API does."""

import json

import pytest

import usecases
from glue.targets.openapi import document
from glue.targets.predictions import LONGEST, MAX_INSTANCES, add_predictions
from lambdas.predict import requests
from tests.unit.lambdas.models import MODEL

CATALOG = usecases.load()
DOCUMENT = add_predictions(document(CATALOG), CATALOG)


@pytest.mark.parametrize("path", ["/predictions", "/predictions/adtech"])
def test_every_example_is_taken(path: str) -> None:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        body = json.dumps(example["value"]).encode()
        assert requests.instances(body, "application/json", MODEL)


def test_limits_are_those_of_the_api() -> None:
    assert (MAX_INSTANCES, LONGEST) == (requests.MAX_INSTANCES, requests.LONGEST)


def test_the_fields_are_the_models() -> None:
    schema = DOCUMENT["components"]["schemas"]["AdtechInstance"]
    assert schema["required"] == ["campaignItemId", "winPrice"]
    assert schema["properties"]["winPrice"]["minimum"] == 0
    assert len(schema["properties"]["campaignItemId"]["anyOf"]) == 2


def test_ingestion_is_described_as_before() -> None:
    assert document(CATALOG)["paths"].items() <= DOCUMENT["paths"].items()
