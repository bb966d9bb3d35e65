"""The prediction API: who answers, and what it says to a request that is wrong."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

import usecases
from glue.limits import BODY_BYTES
from lambdas.ports.endpoint import EndpointUnavailable
from lambdas.predict.answering import Breaker, Champions, Predictor
from lambdas.predict.app import create_app
from tests.unit.lambdas.models import REQUEST, fallback, fallback_file

POINTER = "models/adtech/champion.json"


@dataclass
class Place:
    """The API with an endpoint and objects in memory, and a clock that is set by hand."""

    up: bool = True
    now: float = 0.0
    calls: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.promote("v1")
        champions = Champions(self.objects.get, POINTER, lambda: self.now)
        predictor = Predictor(
            "sdp-adtech", self, champions, Breaker(lambda: self.now), lambda reason: None
        )
        app = create_app(usecases.load(("adtech",)), {"adtech": predictor}, self.served.append)
        self.client = TestClient(app, raise_server_exceptions=False)

    def promote(self, version: str) -> None:
        self.objects[f"{version}.json"] = fallback_file(version)
        self.objects[POINTER] = json.dumps({"fallback": f"{version}.json"}).encode()

    def invoke(self, name: str, body: Any) -> dict[str, Any]:
        self.calls += 1
        if not self.up:
            raise EndpointUnavailable(name)
        predictions = [{"score": 0.5, "predicted_label": 1.0, "unseen": []}]
        return {"predictions": predictions * len(body["instances"]), "model_version": "v1"}

    def post(self, body: Any, path: str = "/predictions", kind: str = "application/json") -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers={"content-type": kind})


@pytest.fixture
def place() -> Place:
    return Place()


def test_the_endpoint_answers_while_it_does(place: Place) -> None:
    answer = place.post(REQUEST)
    assert answer.status_code == 200
    assert answer.json() == {
        "predictions": [{"score": 0.5, "predicted_label": 1.0, "unseen": []}],
        "model_version": "v1",
        "served_by": "endpoint",
    }
    assert place.served == ["endpoint"]


def test_the_fallback_answers_when_the_endpoint_does_not(place: Place) -> None:
    place.up = False
    answer = place.post(REQUEST).json()
    assert answer["predictions"] == fallback().predict([REQUEST])
    assert (answer["served_by"], answer["model_version"]) == ("fallback", "v1")
    assert place.served == ["fallback"]


def test_an_endpoint_that_failed_is_left_alone_for_a_second(place: Place) -> None:
    place.up = False
    place.post(REQUEST)
    place.up = True
    assert place.post(REQUEST).json()["served_by"] == "fallback"
    place.now = 1.0
    assert place.post(REQUEST).json()["served_by"] == "endpoint"
    assert place.calls == 2


def test_the_fallback_follows_the_champion_within_seconds(place: Place) -> None:
    place.up = False
    assert place.post(REQUEST).json()["model_version"] == "v1"
    place.promote("v2")
    assert place.post(REQUEST).json()["model_version"] == "v1"
    place.now = 5.0
    assert place.post(REQUEST).json()["model_version"] == "v2"


def test_without_any_model_it_is_503_and_says_why(place: Place) -> None:
    place.up = False
    place.objects.clear()
    answer = place.post(REQUEST)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "60"
    assert "no model has been promoted yet" in answer.json()["detail"]


def test_several_are_answered_in_order(place: Place) -> None:
    place.up = False
    requested = [REQUEST | {"winPrice": price} for price in (1, 1000, 1_000_000)]
    scores = [p["score"] for p in place.post({"instances": requested}).json()["predictions"]]
    assert scores == sorted(scores)
    assert len(set(scores)) == 3


def test_a_campaign_is_text_or_a_number(place: Place) -> None:
    place.up = False
    texts = place.post(REQUEST).json()["predictions"]
    numbers = place.post(REQUEST | {"campaignItemId": 7}).json()["predictions"]
    assert texts == numbers


def test_what_was_never_seen_has_a_score_and_is_marked(place: Place) -> None:
    place.up = False
    unseen = {"campaignItemId": "nobody", "domain": "moon.example", "winPrice": 5}
    (found,) = place.post(unseen).json()["predictions"]
    assert found["unseen"] == ["campaignItemId", "domain"]
    assert 0 <= found["score"] <= 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"winPrice": ...}, "/winPrice", "missing_field"),
        ({"winPrice": None}, "/winPrice", "missing_field"),
        ({"winPrice": -1}, "/winPrice", "out_of_range"),
        ({"winPrice": "2000"}, "/winPrice", "wrong_type"),
        ({"winPrice": 2.5}, "/winPrice", "wrong_type"),
        ({"winPrice": True}, "/winPrice", "wrong_type"),
        ({"winPrice": 2**70}, "/winPrice", "out_of_range"),
        ({"winPrice": 10**12 + 1}, "/winPrice", "out_of_range"),
        ({"campaignItemId": ...}, "/campaignItemId", "missing_field"),
        ({"campaignItemId": True}, "/campaignItemId", "wrong_type"),
        ({"campaignItemId": []}, "/campaignItemId", "wrong_type"),
        ({"domain": 5}, "/domain", "wrong_type"),
        ({"domain": "x" * 257}, "/domain", "too_long"),
        ({"colour": "red"}, "/colour", "unknown_field"),
    ],
)
def test_a_field_that_is_wrong_is_named(place: Place, change: Any, field: str, code: str) -> None:
    requested = {k: v for k, v in {**REQUEST, **change}.items() if v is not ...}
    answer = place.post(requested)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["field"], said["code"], said["status"]) == (field, code, 400)
    assert said["detail"]
    several = place.post({"instances": [REQUEST, requested]}).json()
    assert several["field"] == f"/instances/1{field}"
    assert place.calls == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"hello", 400),
        (b'{"winPrice":NaN}', 400),
        (b'{"campaignItemId":"7","winPrice":1,"winPrice":2}', 400),
        (b'{"instances":[{"campaignItemId":"7","winPrice":1,"win\\u0050rice":2}]}', 400),
        (b'{"campaignItemId":"\\u0000","winPrice":1}', 400),
        (b'{"winPrice":1.5,"x":' + b"[" * 300 + b"]" * 300 + b"}", 400),
        (b'{"winPrice":1.5,"x":' + b"[" * 1000 + b"]" * 1000 + b"}", 400),
        ([], 400),
        ("text", 400),
        ({"instances": []}, 400),
        ({"instances": {}}, 400),
        ({"instances": [5]}, 400),
        ({"instances": [REQUEST], "colour": "red"}, 400),
        ({"instances": [REQUEST] * 501}, 413),
        ({"instances": [REQUEST] * 10_000}, 413),
        (b" " * BODY_BYTES + b"{}", 413),
    ],
)
def test_a_body_that_is_wrong_is_refused_whole(place: Place, body: Any, status: int) -> None:
    answer = place.post(body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert place.calls == 0


def test_500_at_once_are_answered(place: Place) -> None:
    assert len(place.post({"instances": [REQUEST] * 500}).json()["predictions"]) == 500


def test_other_types_methods_and_paths_are_problems_too(place: Place) -> None:
    assert place.post(REQUEST, kind="text/plain").status_code == 415
    assert place.post(REQUEST, kind="application/x-ndjson").status_code == 415
    assert place.client.get("/predictions").status_code == 405
    assert place.post(REQUEST, path="/predictions/none").status_code == 404
    assert place.post(REQUEST, path="/predictions/adtech").status_code == 200


def test_a_path_with_a_slash_too_many_is_unknown_and_never_a_redirect(place: Place) -> None:
    for path in ("/predictions/", "/predictions/adtech/"):
        answer = place.post(REQUEST, path=path)
        assert (answer.status_code, answer.history) == (404, [])
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_field_given_twice_is_named(place: Place) -> None:
    answer = place.post(b'{"campaignItemId":"7","winPrice":1,"winPrice":2}').json()
    assert (answer["code"], answer["field"]) == ("duplicate_field", "/winPrice")


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_compressed_body_is_refused_by_its_encoding(place: Place, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    content = gzip.compress(json.dumps(REQUEST).encode())
    answer = place.client.post("/predictions", content=content, headers=headers)
    assert answer.status_code == 415
    assert encoding in answer.json()["detail"]


@pytest.mark.parametrize("price", ["2000.0", "2e3", "2000"])
def test_an_integer_may_be_written_with_a_fraction_or_an_exponent(place: Place, price: str) -> None:
    place.up = False
    body = f'{{"campaignItemId":7.0,"domain":"goal.example","winPrice":{price}}}'.encode()
    answer = place.post(b"\xef\xbb\xbf" + body)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == place.post(REQUEST).json()["predictions"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/json;charset=utf8", 200), ("application/json;charset=utf-80", 415)],
)
def test_utf_8_is_the_only_charset(place: Place, kind: str, status: int) -> None:
    assert place.post(REQUEST, kind=kind).status_code == status


def test_a_query_parameter_is_refused_by_name(place: Place) -> None:
    answer = place.post(REQUEST, path="/predictions?explain=1")
    assert (answer.status_code, answer.json()["detail"][:8]) == (400, "explain:")


@pytest.mark.parametrize("path", ["/health", "/predictions/health"])
def test_health_answers_get_and_head(place: Place, path: str) -> None:
    assert place.client.get(path).json() == {"status": "ok"}
    head = place.client.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_an_unforeseen_error_is_a_problem_that_a_page_can_read(place: Place) -> None:
    place.invoke = lambda *_: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    answer = place.post(REQUEST)
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_price_above_the_largest_amount_is_refused_naming_the_parameter(place: Place) -> None:
    answer = place.post(REQUEST | {"winPrice": 10**12 + 1}).json()
    assert answer["detail"].endswith("send 1000000000000 or less, the deployment's MaxAmount")
