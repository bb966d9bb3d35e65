"""The other use case's model: trained by the same workflow, it scores actions while the job runs.

Its rows are put straight into the lake; one shopper then goes all the way from five debits to an
offer that is taken, which is a row to learn from.

With a training and a deployment it takes minutes, so it is not collected with the others. On the
platform of SDP_TEST_RUNNING, or one of its own: `make models`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from glue.instants import parse
from tests.local.offering import Offering
from tests.unit.ml.offers import request

# No rule of the chain's tests is true for those who spend so much.
CUSTOMER = {"segment": "student", "age": 30, "average_monthly_expenditures": 1500.0}


@pytest.fixture(scope="module")
def version(offering: Offering) -> str:
    """What `./sdp train` puts in service, where there was no model."""
    if champion := offering.modelling.place.champion():  # a platform that runs for one who writes
        return str(champion["version"])
    assert offering.modelling.ask(request(offering.rows[0])).status_code == 503
    ended = offering.run("train")
    assert ended["status"] == "promoted", ended
    assert _champion(offering) == ended["version"]
    return str(ended["version"])


def _champion(offering: Offering) -> str:
    champion = offering.modelling.place.champion()
    assert champion
    return str(champion["version"])


def test_a_new_champion_scores_actions_as_its_endpoint_and_their_answers_are_learned_from(
    offering: Offering, version: str
) -> None:
    decided = offering.decided(CUSTOMER)
    serving, score = offering.score(CUSTOMER, 50.0)
    assert serving == version
    made = offering.row("actions", lambda r: r["id"] == decided["action_id"])
    for scored in (decided, made):
        assert scored["model_version"] == version
        assert scored["score"] == pytest.approx(score, abs=1e-6)
    row = offering.taken(decided)
    assert (row["score"], row["model_version"]) == (decided["score"], version)
    assert {name: row[name] for name in CUSTOMER} == CUSTOMER and row["balance"] == 50.0
    assert row["accepted"] is True
    assert parse(row["accepted_at"]) == parse(decided["occurred_at"]) + timedelta(seconds=7)


def test_an_archive_that_is_better_is_released_under_the_version_of_its_run(
    offering: Offering, version: str, tmp_path: Path
) -> None:
    place, archive = offering.modelling.place, tmp_path / "model.tar.gz"
    archive.write_bytes(place.file(place.names.key(version, "model.tar.gz")) or b"")
    bad = offering.run("train", "--set", "shuffle-labels=true")
    assert bad["status"] == "refused", bad
    offering.sdp("model", "promote", bad["version"], "--force")
    assert offering.score(CUSTOMER, 50.0)[0] == bad["version"]
    ended = offering.run("train", "--artifact", str(archive))
    assert ended["status"] == "promoted", ended
    assert ended["version"] not in (version, bad["version"])
    assert _champion(offering) == offering.score(CUSTOMER, 50.0)[0] == ended["version"]
