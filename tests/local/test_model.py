"""The model on the shared platform: trained, judged, served; and what it says to bad input.

The rows are put straight into the lake, on a day of their own; `bench/model.py` sends them through
the API instead, and does the rest that takes long.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sdpctl import outputs, retraining
from sdpctl.local import aws
from sdpctl.settings import Settings
from tests.local.driver import wait_until
from tests.local.modelling import Modelling
from tests.unit.ml.auctions import after, auctions, request

START = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = auctions(6_000, start=START)
UNTIL = after(ROWS)
ASKED = request(ROWS[0])


@pytest.fixture(scope="module")
def modelling(settings: Settings) -> Modelling:
    """A platform whose first model is in service."""
    found = outputs.read(settings)
    stacks = aws.client(settings, "cloudformation").describe_stacks()["Stacks"]
    given = {o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])}
    place = retraining.Place(lambda s: aws.client(settings, s), given, settings.prefix, "adtech")
    made = Modelling(place, found.url_for_predictions, found.api_key)
    made.fill(ROWS, "model")
    if place.champion():  # a platform that runs while tests are being written
        return made
    before = made.ask(ASKED)
    assert before.status_code == 503, before.text
    ended = made.run(since=START, until=UNTIL)
    assert ended["status"] == "promoted", ended
    return made


@pytest.fixture
def champion(modelling: Modelling) -> Iterator[str]:
    """The version in service, which is the same when the test has ended."""
    found = modelling.place.champion()
    assert found
    yield found["version"]
    assert modelling.place.champion() == found


def test_the_endpoint_answers_with_the_promoted_version(
    modelling: Modelling, champion: str
) -> None:
    answer = modelling.ask(ASKED).json()
    assert (answer["model_version"], answer["served_by"]) == (champion, "endpoint")
    (found,) = answer["predictions"]
    assert 0 <= found["score"] <= 1
    assert found["unseen"] == []


def test_the_score_rises_with_the_price(modelling: Modelling) -> None:
    for row in ROWS[:5]:
        prices = [{**request(row), "winPrice": price} for price in (1, 500, 2_000, 9_000, 10**6)]
        said = modelling.ask({"instances": prices}).json()["predictions"]
        scores = [p["score"] for p in said]
        assert scores == sorted(scores)


def test_an_unknown_campaign_and_domain_have_a_score_and_are_marked(modelling: Modelling) -> None:
    unseen = {**ASKED, "campaignItemId": "nobody", "domain": "moon.example"}
    (found,) = modelling.ask(unseen).json()["predictions"]
    assert found["unseen"] == ["campaignItemId", "domain"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({k: v for k, v in ASKED.items() if k != "winPrice"}, 400, "/winPrice"),
        ({**ASKED, "winPrice": -1}, 400, "/winPrice"),
        ({**ASKED, "winPrice": "2000"}, 400, "/winPrice"),
        ({"instances": [ASKED] * 10_000}, 413, None),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(
    modelling: Modelling, body: Any, status: int, field: str | None
) -> None:
    answer = modelling.ask(body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("field") == field


def test_the_fallback_answers_when_the_endpoint_is_gone(
    modelling: Modelling, champion: str
) -> None:
    sagemaker = modelling.place.clients("sagemaker")
    name = modelling.place.names.endpoint
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    sagemaker.delete_endpoint(EndpointName=name)
    answer = modelling.ask(ASKED).json()
    assert (answer["model_version"], answer["served_by"]) == (champion, "fallback")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    wait_until(
        lambda: modelling.ask(ASKED).json()["served_by"] == "endpoint", 120, lambda: "still gone"
    )


def test_a_corrupt_archive_is_refused_and_the_champion_stays(
    modelling: Modelling, champion: str, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(__file__, "model.ubj")
    archive.write_bytes(archive.read_bytes()[:200])
    key = modelling.place.upload(archive, UNTIL)
    ended = modelling.run(since=START, until=UNTIL, artifact=key)
    assert ended["status"] == "refused", ended
    assert "cannot be used" in ended["cause"]
    assert modelling.ask(ASKED).json()["model_version"] == champion


def test_an_empty_range_ends_the_run_without_a_model(modelling: Modelling, champion: str) -> None:
    long_ago = START - timedelta(days=400)
    before = len(modelling.place.packages())
    ended = modelling.run(since=long_ago, until=long_ago + timedelta(days=1))
    assert (ended["status"], ended["rows"]) == ("no data", 0)
    assert len(modelling.place.packages()) == before


def test_the_evaluation_is_kept_beside_the_model(modelling: Modelling, champion: str) -> None:
    names = modelling.place.names
    evaluation = modelling.place.document(names.key(champion, "evaluation.json"))
    assert evaluation and evaluation["decision"] == "promote"
    assert evaluation["challenger"]["log_loss"] < evaluation["base_rate"]["log_loss"]
    page = modelling.place.file(names.key(champion, "evaluation.html"))
    assert page
    assert b"<html" in page.lower()
