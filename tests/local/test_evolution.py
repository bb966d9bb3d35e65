"""The running platform is changed while auctions go on: a field, a parameter and four use cases.

One deployment, by the commands of docs/use-cases.md, makes all changes, because each takes minutes
(`evolving.py`). Nothing that is open is lost, old and new work, and what is added counts exactly
though its process is killed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sdpctl import new_use_case
from sdpctl.settings import Settings
from tests.flink import pipelines
from tests.local import evolving
from tests.local.audits import audit
from tests.local.commands import bash, sdp
from tests.local.driver import Driver, auctions, wait_until
from tests.local.evolving import LATENESS, LOOK, OTHERS, Evolved
from tests.local.machine import Machine
from tests.local.parcels import Parcels

LATER = 6  # bids with the new field


def test_the_open_auctions_of_the_old_version_are_continued_and_the_new_field_is_received(
    driver: Driver, evolved: Evolved
) -> None:
    made = evolved.before
    driver.send(made.impressions)  # their bids were sent to the old version
    later = auctions(LATER, evolved.at, made.campaign)
    driver.send([bid | {"placement": "top"} for bid in later.bids])
    expected = {**made.expected, "bids": len(made.bids) + len(later.bids), "clicks": 0}
    driver.await_totals(made.campaign, expected, seconds=240)


def test_the_changed_parameter_reaches_the_job_which_goes_on_from_its_state(
    settings: Settings, evolved: Evolved
) -> None:
    [groups] = settings.home.glob("flink/sdp-adtech/application_properties.json")
    given = {g["PropertyGroupId"]: g["PropertyMap"] for g in json.loads(groups.read_text())}
    assert given["sdp"].items() >= {"CorrelationWindow": "PT1M", **LATENESS}.items()
    assert evolved.jobs["sdp-adtech"]["restored_from"]


def test_the_use_case_of_the_page_runs_beside_the_others(
    settings: Settings, tree: Path, evolved: Evolved
) -> None:
    names = {"adtech", new_use_case.EXAMPLE, "parcels", *OTHERS}
    assert set(evolved.jobs) == {f"sdp-{name}" for name in names}
    environment = settings.aws_environment()
    counted = partial(sdp, settings, "report", "gates", "north", "--json", tree=tree)
    wait_until(lambda: counted().returncode == 0, 120, lambda: counted().stderr)
    printed = bash(LOOK, folder=tree, environment=environment, seconds=300)
    assert re.search(r"\bnorth\b.*\b2\b", printed) and "sdp-turnstiles" in printed, printed
    now, day = datetime.now(UTC), timedelta(days=1)
    own = partial(audit, settings, new_use_case.EXAMPLE, now - day, now + day, tree=tree)
    wait_until(lambda: +own()[1] == {"ok": 1, "counted": 1}, 60, lambda: f"{own()}")


def test_an_added_use_case_counts_each_step_though_its_process_is_killed_in_the_middle(
    driver: Driver, settings: Settings, machine: Machine, evolved: Evolved
) -> None:
    # Dated ahead, so that no step is late while the killed process is started again.
    made = Parcels.make(driver, datetime.now(UTC) + timedelta(seconds=50))
    half = len(made.sent) // 2
    driver.send(made.sent[:half])
    ordered = {event["parcel"] for event in made.sent[:half] if event["type"] == "ordered"}
    _await_equal(lambda: sum(row[0] for row in made.shops().values()), len(ordered))
    machine.kill_flink("sdp-parcels")
    driver.send(made.sent[half:])
    made.close()

    expected = made.expected
    _await_equal(made.shops, expected.shops)
    _await_equal(made.unmatched, expected.unmatched)
    _await_equal(made.others, {"duplicate": pipelines.copies(made.sent)})
    _await_equal(made.sendings, expected.sendings)
    jobs, before = evolving.jobs(settings), evolved.jobs
    assert jobs["sdp-parcels"]["restarts"] > before["sdp-parcels"]["restarts"]
    assert jobs["sdp-parcels"]["restored_from"]
    assert jobs["sdp-adtech"]["started"] == before["sdp-adtech"]["started"]


def test_the_auctions_that_went_on_all_the_while_are_counted_exactly(
    driver: Driver, evolved: Evolved
) -> None:
    evolved.traffic.end()
    assert evolved.traffic.expected["bids"] > 100
    driver.await_totals(evolved.traffic.campaign, evolved.traffic.expected, seconds=240)


def test_the_lake_has_the_events_of_both_versions(
    settings: Settings, tree: Path, evolved: Evolved
) -> None:
    question = (
        "SELECT placement, COUNT(DISTINCT event_id) AS bids FROM parquet_bcns WHERE type = 'bid' "
        f"AND campaign_item_id = {evolved.before.campaign} GROUP BY placement"
    )
    _await_equal(
        lambda: {row["placement"]: row["bids"] for row in _rows(tree, settings, question)},
        {None: len(evolved.before.bids), "top": LATER},
    )


def test_a_change_that_is_not_additive_is_refused_with_what_to_do(
    settings: Settings, tree: Path
) -> None:
    events = tree / "usecases/adtech/events.py"
    declared = "app_uid: Annotated[str, MinLen(1), MaxLen({})"
    evolving.edit(events, declared.format(256), declared.format(128))
    try:
        done = sdp(settings, "up", tree=tree)
    finally:
        evolving.edit(events, declared.format(128), declared.format(256))
    assert done.returncode == 1
    message = "Bid.app_uid: maxLength narrowed from 256 to 128; keep the released limit"
    assert message in done.stderr + done.stdout


def _await_equal(found: Callable[[], Any], expected: Any) -> None:
    wait_until(lambda: found() == expected, 240, lambda: f"{found()}, expected {expected}")


def _rows(tree: Path, settings: Settings, question: str) -> list[dict[str, Any]]:
    done = sdp(settings, "sql", question, "--json", tree=tree)
    return list(json.loads(done.stdout)) if done.returncode == 0 else []
