"""The deployment that changes the running platform, once for all tests that need what it adds.

A field, a parameter and four use cases: that of docs/use-cases.md, one of the tests' own, and the
other two of the project. Each deployment takes minutes, so there is one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import usecases
from sdpctl import new_use_case
from sdpctl.local import flink_status
from sdpctl.settings import ROOT, Settings
from tests.local import parcels, shoppers
from tests.local.commands import bash, sdp
from tests.local.driver import HTTP, Auctions, Driver, Event, auctions
from tests.local.parameters import PARAMETERS, text
from tests.local.traffic import Traffic
from tests.trees import copy_sources

# Before another field, so that the columns of what is open are numbered in another way.
DECLARED = '    domain: Annotated[str | None, MaxLen(256), "Where the ad would be shown."] = None\n'
ADDED = '    placement: Annotated[str | None, MaxLen(64), "Where on the page."] = None\n'
# Of the new version: a slow machine takes longer to deploy than auctions may be dated ahead.
LATENESS = {"AllowedLateness": "PT30M"}
# Those of the project that the platform does not have at first, with their parameters.
OTHERS: dict[str, dict[str, str]] = {"shopping": shoppers.PARAMETERS, "machines": {}}
PAGE = (ROOT / new_use_case.PAGE).read_text()
GENERATE, RUN, LOOK = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Evolved:
    """The changed platform: `before` are auctions whose bids the old version received."""

    tree: Path
    at: datetime
    before: Auctions
    traffic: Traffic
    jobs: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Whole:
    """A platform with use cases of the project beside the ad auctions.

    `tree`: the sources that it was deployed from; their `./sdp` knows all that is deployed.
    `outputs`: its addresses and keys.
    """

    tree: Path
    outputs: Mapping[str, str]

    def driver(self, settings: Settings, use_case: str) -> Driver:
        """A user of one of its use cases."""
        api, reports, key = (self.outputs[n] for n in ("UrlForAPI", "UrlForReports", "ApiKey"))
        return Driver(api, reports, key, settings.endpoint, f"sdp-{use_case}-")

    def definitions(self, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
        """What is answered about definitions; `path` begins with the use case."""
        url = f"{self.outputs['UrlForDefinitions']}/definitions/{path}"
        headers = {"x-api-key": self.outputs["DefinitionsKey"]}
        answer = HTTP.request(method, url, headers=headers, **request)
        assert answer.status_code == status, answer.text
        return dict(answer.json())


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of this project, with what was built and installed."""
    copy = tmp_path_factory.mktemp("evolved") / "project"
    copy_sources(copy)
    for name in (".venv", "node_modules", "dashboard/node_modules", "analytics_app/jvm/target"):
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "build", copy / "build")
    yield copy
    shutil.rmtree(copy)


@pytest.fixture(scope="session")
def evolved(driver: Driver, settings: Settings, tree: Path) -> Iterator[Evolved]:
    """The platform after the deployment, with auctions that go on until a test ends them."""
    # Dated ahead, so that they stay open while the new version starts; so are the later ones,
    # which would be late otherwise.
    ahead = datetime.now(UTC) + timedelta(seconds=270)
    before = auctions(12, at=ahead)
    driver.send(before.bids)
    driver.await_totals(before.campaign, counts(before.bids))
    assert refusal(driver, before.bids[0] | {"placement": "top"}) == "/placement"
    traffic = Traffic(driver, ahead)
    try:
        _change(tree)
        _deploy(tree, settings)
        yield Evolved(tree, ahead, before, traffic, jobs(settings))
    finally:
        traffic.end()


@pytest.fixture(scope="session")
def whole(settings: Settings, request: pytest.FixtureRequest) -> Whole:
    """The platform with every use case; one that `./sdp up` has started with all stays as it is."""
    # Once the platform has evolved, these sources do not know all that is deployed.
    found = outputs_of(settings, ROOT)
    if found is not None and set(found["UseCases"].split(",")) >= set(usecases.NAMES):
        return Whole(ROOT, found)
    evolved: Evolved = request.getfixturevalue("evolved")
    found = outputs_of(settings, evolved.tree)
    assert found is not None
    return Whole(evolved.tree, found)


def outputs_of(settings: Settings, tree: Path) -> dict[str, str] | None:
    """What `./sdp outputs` of these sources says; None if they do not know all that is deployed."""
    done = sdp(settings, "outputs", "--json", tree=tree)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else None


def _change(tree: Path) -> None:
    """A field of ad auctions, the use case of the page, and one of the tests' use cases."""
    edit(tree / "usecases/adtech/events.py", DECLARED, ADDED + DECLARED)
    new_use_case.create(tree, new_use_case.EXAMPLE)
    shutil.copytree(tree / "tests/usecases/parcels", tree / "usecases/parcels")
    new_use_case.enter(tree / "usecases/__init__.py", "parcels")


def _deploy(tree: Path, settings: Settings) -> None:
    """What the page says, with the other use cases beside its own."""
    parameters = PARAMETERS | LATENESS | parcels.PARAMETERS
    for own in OTHERS.values():
        parameters |= own
    names = f"adtech {new_use_case.EXAMPLE}"
    assert f'make up USE_CASES="{names}"' in RUN
    script = GENERATE + RUN.replace(names, " ".join((names, "parcels", *OTHERS)))
    environment = settings.aws_environment() | {"PARAMETERS": text(parameters)}
    bash(script, folder=tree, environment=environment, seconds=900)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text, which must be there, once."""
    before = path.read_text()
    assert old in before, f"{path} has no {old!r}"
    path.write_text(before.replace(old, new, 1))


def counts(bids: list[Event]) -> dict[str, int]:
    """The report of a campaign with these bids and nothing else."""
    return {"bids": len(bids), "impressions": 0, "clicks": 0, "spend": 0}


def refusal(driver: Driver, event: Event) -> Any:
    """The field for which the API rejects an event."""
    return driver.post("events", [event]).json()["results"][0]["error"]["field"]


def jobs(settings: Settings) -> dict[str, dict[str, Any]]:
    """The state of each application's job."""
    return {state["name"]: state for state in flink_status.states(settings)}
