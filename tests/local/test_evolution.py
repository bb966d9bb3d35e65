"""The running platform is changed while auctions go on: a field, a parameter and two use cases.

One deployment, by the commands of docs/use-cases.md, makes all changes, because each takes minutes.
Nothing that is open is lost, old and new work, and what is added counts exactly though its process
is killed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sdpctl import new_use_case
from sdpctl.local import flink_status
from sdpctl.settings import ROOT, Settings
from tests.flink import pipelines
from tests.local import parcels
from tests.local.commands import bash, sdp
from tests.local.conftest import PARAMETERS
from tests.local.driver import Auctions, Driver, Event, auctions, wait_until
from tests.local.machine import Machine
from tests.local.parcels import Parcels
from tests.local.traffic import Traffic

# Before another field, so that the columns of what is open are numbered in another way.
DECLARED = '    domain: Annotated[str | None, MaxLen(256), "Where the ad would be shown."] = None\n'
ADDED = '    placement: Annotated[str | None, MaxLen(64), "Where on the page."] = None\n'
LATER = 6  # bids with the new field
# Of the new version: a slow machine takes longer to deploy than auctions may be dated ahead.
LATENESS = {"AllowedLateness": "PT30M"}
PAGE = (ROOT / new_use_case.PAGE).read_text()
GENERATE, RUN, LOOK = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of this project, with what was built and installed."""
    copy = tmp_path_factory.mktemp("evolved") / "project"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(lambda n: (ROOT / n).is_file(), names.splitlines()):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    for name in (".venv", "node_modules", "dashboard/node_modules", "analytics_app/jvm/target"):
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "build", copy / "build")
    yield copy
    shutil.rmtree(copy)


@dataclass(frozen=True)
class Evolved:
    """The changed platform: `before` are auctions whose bids the old version received."""

    at: datetime
    before: Auctions
    traffic: Traffic
    jobs: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def evolved(driver: Driver, settings: Settings, tree: Path) -> Iterator[Evolved]:
    """The platform after the deployment, with auctions that go on until a test ends them."""
    # Dated ahead, so that they stay open while the new version starts; so are the later ones,
    # which would be late otherwise.
    ahead = datetime.now(UTC) + timedelta(seconds=270)
    before = auctions(12, at=ahead)
    driver.send(before.bids)
    driver.await_totals(before.campaign, _counts(before.bids))
    assert _refusal(driver, before.bids[0] | {"placement": "top"}) == "/placement"
    traffic = Traffic(driver, ahead)
    try:
        _change(tree)
        _deploy(tree, settings)
        yield Evolved(ahead, before, traffic, _jobs(settings))
    finally:
        traffic.end()


def _change(tree: Path) -> None:
    """A field of ad auctions, the use case of the page, and one of the tests' use cases."""
    _edit(tree / "usecases/adtech/events.py", DECLARED, ADDED + DECLARED)
    new_use_case.create(tree, new_use_case.EXAMPLE)
    shutil.copytree(tree / "tests/usecases/parcels", tree / "usecases/parcels")
    new_use_case.enter(tree / "usecases/__init__.py", "parcels")


def _deploy(tree: Path, settings: Settings) -> None:
    """What the page says, with the parcels beside its use case."""
    parameters = PARAMETERS | LATENESS | parcels.PARAMETERS
    text = " ".join(f"{name}={value}" for name, value in parameters.items())
    names = f"adtech {new_use_case.EXAMPLE}"
    assert f'make up USE_CASES="{names}"' in RUN
    script = GENERATE + RUN.replace(names, f"{names} parcels")
    environment = settings.aws_environment() | {"PARAMETERS": text}
    bash(script, folder=tree, environment=environment, seconds=900)


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
    assert set(evolved.jobs) == {"sdp-adtech", "sdp-parcels", f"sdp-{new_use_case.EXAMPLE}"}
    environment = settings.aws_environment()
    counted = partial(sdp, settings, "report", "gates", "north", "--json", tree=tree)
    wait_until(lambda: counted().returncode == 0, 120, lambda: counted().stderr)
    printed = bash(LOOK, folder=tree, environment=environment, seconds=300)
    assert re.search(r"\bnorth\b.*\b2\b", printed) and "sdp-turnstiles" in printed, printed


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
    jobs, before = _jobs(settings), evolved.jobs
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
    _edit(events, declared.format(256), declared.format(128))
    done = sdp(settings, "up", tree=tree)
    assert done.returncode == 1
    message = "Bid.app_uid: maxLength narrowed from 256 to 128; keep the released limit"
    assert message in done.stderr + done.stdout


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def _counts(bids: list[Event]) -> dict[str, int]:
    return {"bids": len(bids), "impressions": 0, "clicks": 0, "spend": 0}


def _refusal(driver: Driver, event: Event) -> Any:
    return driver.post("events", [event]).json()["results"][0]["error"]["field"]


def _jobs(settings: Settings) -> dict[str, dict[str, Any]]:
    return {state["name"]: state for state in flink_status.states(settings)}


def _await_equal(found: Callable[[], Any], expected: Any) -> None:
    wait_until(lambda: found() == expected, 240, lambda: f"{found()}, expected {expected}")


def _rows(tree: Path, settings: Settings, question: str) -> list[dict[str, Any]]:
    done = sdp(settings, "sql", question, "--json", tree=tree)
    return list(json.loads(done.stdout)) if done.returncode == 0 else []
