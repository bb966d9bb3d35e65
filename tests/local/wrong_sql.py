"""Wrong SQL is deployed, counts, and is repaired; a replay then gives the truth.

Two deployments and a range that becomes final: ten minutes, so not collected with the others. On
the platform of SDP_TEST_RUNNING, or one of its own: `make wrong-sql`.
"""

from __future__ import annotations

from pathlib import Path

from glue.instants import parse, to_wire
from sdpctl.local import flink_status
from sdpctl.settings import Settings
from tests.local.commands import bash, sdp
from tests.local.driver import Auctions, Driver, auctions, wait_until
from tests.local.evolving import edit
from tests.local.parameters import PARAMETERS, text
from tests.local.test_replay import MINUTE, answers, minute_of

PIPELINE = "usecases/adtech/pipeline/60_campaigns.sql"
RIGHT, WRONG = "ELSE SUM(`sum`)\n", "ELSE 2 * SUM(`sum`)\n"


def deploy(tree: Path, settings: Settings) -> None:
    """Deploy the tree, and wait until its version runs."""
    environment = settings.aws_environment() | {"PARAMETERS": text(PARAMETERS)}
    bash("make up", folder=tree, environment=environment, seconds=900)
    assert flink_status.running(settings)


def test_after_wrong_sql_was_deployed_and_repaired_a_replay_gives_the_truth(
    driver: Driver, settings: Settings, tree: Path, early: Auctions
) -> None:
    driver.await_totals(early.campaign, early.expected)
    edit(tree / PIPELINE, RIGHT, WRONG)
    deploy(tree, settings)
    made = auctions(40)
    driver.send([*made.events, *made.bids[:10]])
    wrong = made.expected | {"spend": 2 * made.expected["spend"]}
    driver.await_totals(made.campaign, wrong, seconds=300)
    edit(tree / PIPELINE, WRONG, RIGHT)
    deploy(tree, settings)

    start, end = minute_of(early), minute_of(made) + 2 * MINUTE

    def final() -> bool:
        driver.heartbeat()
        through = driver.get(f"campaigns/{made.campaign}").json()["complete_through"]
        return through is not None and parse(through) >= end

    wait_until(final, 900, lambda: driver.get(f"campaigns/{made.campaign}").text)
    assert driver.totals(made.campaign) == wrong
    before = answers(driver, early.campaign)
    bounds = ["--from", to_wire(start), "--to", to_wire(end)]
    dry = sdp(settings, "replay", *bounds, "--dry-run")
    assert dry.returncode == 1, dry.stderr
    assert driver.totals(made.campaign) == wrong
    done = sdp(settings, "replay", *bounds)
    assert (done.returncode, done.stdout) == (0, dry.stdout), done.stderr
    assert driver.totals(made.campaign) == made.expected
    assert answers(driver, early.campaign) == before
    again = sdp(settings, "replay", *bounds, "--dry-run")
    assert again.returncode == 0
    assert again.stdout.endswith(" 0 differ\n"), again.stdout
