"""The model on the shared platform: trained, judged, served; and what it says to bad input.

The rows are put straight into the lake, on a day of their own; `bench/model.py` sends them through
the API instead, and does the rest that takes long.
"""

from __future__ import annotations

import itertools
import json
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.training import Training
from lambdas.adapters.ledger import DynamoLedger
from sdpctl.clock import now
from sdpctl.local import aws
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import wait_until
from tests.local.modelling import REQUEST, ROWS, START, UNTIL, Modelling
from tests.unit.ml.auctions import auctions, request

# Sent before, they close meanwhile: test_final.py
pytestmark = pytest.mark.usefixtures("closing")
BUDGET = Training().runs_per_day  # the tests' platform has the default


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
    answer = modelling.ask(REQUEST).json()
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
    unseen = {**REQUEST, "campaignItemId": "nobody", "domain": "moon.example"}
    (found,) = modelling.ask(unseen).json()["predictions"]
    assert found["unseen"] == ["campaignItemId", "domain"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({k: v for k, v in REQUEST.items() if k != "winPrice"}, 400, "/winPrice"),
        ({**REQUEST, "winPrice": -1}, 400, "/winPrice"),
        ({**REQUEST, "winPrice": "2000"}, 400, "/winPrice"),
        ({"instances": [REQUEST] * 10_000}, 413, None),
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
    answer = modelling.ask(REQUEST).json()
    assert (answer["model_version"], answer["served_by"]) == (champion, "fallback")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    wait_until(
        lambda: modelling.ask(REQUEST).json()["served_by"] == "endpoint", 120, lambda: "still gone"
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
    assert modelling.ask(REQUEST).json()["model_version"] == champion


def test_an_empty_range_ends_the_run_without_a_model(modelling: Modelling, champion: str) -> None:
    long_ago = START - timedelta(days=400)
    before = len(modelling.place.packages())
    ended = modelling.run(since=long_ago, until=long_ago + timedelta(days=1))
    assert (ended["status"], ended["rows"]) == ("no data", 0)
    assert len(modelling.place.packages()) == before


def test_a_run_that_was_stopped_blocks_no_other(modelling: Modelling, settings: Settings) -> None:
    """It cannot give its lock back, which would last for two hours."""
    long_ago = START - timedelta(days=400)
    stopped = modelling.place.start(now(), {"to": UNTIL.isoformat(timespec="milliseconds")})
    modelling.await_step(stopped, "Prepare")
    aws.client(settings, "stepfunctions").stop_execution(executionArn=stopped)
    ended = modelling.run(since=long_ago, until=long_ago + timedelta(days=1))
    assert (ended["status"], ended["rows"]) == ("no data", 0)


def test_too_few_rows_end_the_run_before_a_job(modelling: Modelling, champion: str) -> None:
    ended = modelling.run(since=START, until=START + timedelta(seconds=2))
    assert ended["status"] == "too few rows", ended
    assert ended["cause"] == f"{ended['rows']} rows; 1,000 are needed"


def test_the_evaluation_is_kept_beside_the_model(modelling: Modelling, champion: str) -> None:
    names = modelling.place.names
    evaluation = modelling.place.document(names.key(champion, "evaluation.json"))
    assert evaluation and evaluation["decision"] == "promote"
    assert evaluation["challenger"]["log_loss"] < evaluation["base_rate"]["log_loss"]
    page = modelling.place.file(names.key(champion, "evaluation.html"))
    assert page
    assert b"<html" in page.lower()


def test_the_command_shows_a_summary_first_and_all_of_it_as_json(
    modelling: Modelling, settings: Settings, champion: str
) -> None:
    evaluation = modelling.place.document(modelling.place.names.key(champion, "evaluation.json"))
    shown = sdp(settings, "model", "show")
    assert shown.stdout.startswith(f"{champion}: promote\n"), shown.stderr
    assert f"{evaluation['challenger']['log_loss']:.4f}" in shown.stdout
    assert json.loads(sdp(settings, "model", "show", champion, "--json").stdout) == evaluation


@pytest.fixture
def news(modelling: Modelling) -> Iterator[None]:
    """The last run has seen no newer rows than old ones, and enough have come since.

    At the end the version that was in service is so again: a run may have replaced it.
    """
    before = modelling.place.champion()
    assert before
    start = now() - timedelta(days=20)  # of the days that are trained on, in hours of their own
    modelling.fill(auctions(1_500, start=start), f"news-{start:%H%M%S}")
    last = modelling.run(since=START, until=START + timedelta(seconds=2))
    assert last["status"] == "too few rows", last
    yield
    after = modelling.place.champion()
    if after and after["version"] != before["version"]:
        modelling.place.release("switch", version=before["version"], force=True)


@pytest.fixture
def budget(settings: Settings) -> Iterator[DynamoLedger]:
    """What may be trained today; at the end it is as if nothing had been."""
    client = aws.client(settings, "dynamodb")
    table = f"{settings.prefix}-training"
    yield DynamoLedger(table, "adtech", client)
    day = {"use_case": {"S": "adtech"}, "item": {"S": f"day/{now():%Y-%m-%d}"}}
    client.delete_item(TableName=table, Key=day)


def test_enough_new_rows_start_one_run_and_no_second_beside_it(
    modelling: Modelling, news: None
) -> None:
    started = modelling.decide()
    assert started
    assert ":volume-" in started
    modelling.await_step(started, "WaitForTraining")
    assert modelling.place.decide() == {"started": None, "reason": "a run is in progress"}
    beside = modelling.run(until=UNTIL, since=START)
    assert beside["status"] == "busy", beside
    assert modelling.ended(started)["status"] in ("promoted", "refused")


def test_a_day_whose_budget_is_spent_trains_no_more(
    modelling: Modelling, news: None, budget: DynamoLedger
) -> None:
    holders = (f"spent-{number}" for number in itertools.count())
    while budget.reserve(f"{now():%Y-%m-%d}", next(holders), 1, BUDGET, 10**6):
        continue
    started = modelling.decide()
    assert started
    assert modelling.ended(started)["status"] == "budget spent"
    steps = {name for _, name in modelling.place.steps(started, 0)}
    assert "IsGranted" in steps
    assert "Train" not in steps
