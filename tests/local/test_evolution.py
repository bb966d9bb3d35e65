"""A field is added to an event while the platform runs: nothing open is lost, old and new work."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sdpctl.settings import ROOT, Settings
from tests.local.commands import sdp
from tests.local.conftest import PARAMETERS
from tests.local.driver import Driver, auctions, wait_until

# Before another field, so that the columns of what is open are numbered in another way.
DECLARED = '    domain: Annotated[str | None, MaxLen(256), "Where the ad would be shown."] = None\n'
ADDED = '    placement: Annotated[str | None, MaxLen(64), "Where on the page."] = None\n'


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of this project, with what was built and installed."""
    copy = tmp_path_factory.mktemp("evolved") / "project"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(lambda n: (ROOT / n).is_file(), names.splitlines()):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    for name in (".venv", "node_modules", "analytics_app/jvm/target"):
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "build", copy / "build")
    yield copy
    shutil.rmtree(copy)


def test_an_added_field_is_everywhere_and_what_was_open_is_continued(
    driver: Driver, settings: Settings, tree: Path
) -> None:
    # Dated ahead, so that they stay open while the new version starts; so are the later ones,
    # which would be late otherwise.
    ahead = datetime.now(UTC) + timedelta(seconds=270)
    made = auctions(12, at=ahead)
    driver.send(made.bids)
    driver.await_totals(made.campaign, {"bids": 12, "impressions": 0, "clicks": 0, "spend": 0})
    assert _refusal(driver, made.bids[0] | {"placement": "top"}) == "/placement"

    _edit(tree / "usecases/adtech/events.py", DECLARED, ADDED + DECLARED)
    _deploy(tree, settings)

    driver.send(made.impressions)  # their bids were sent to the old version
    later = auctions(6, at=ahead)
    driver.send([bid | {"placement": "top"} for bid in later.bids])
    driver.await_totals(made.campaign, {**made.expected, "clicks": 0}, seconds=240)
    driver.await_totals(later.campaign, {"bids": 6, "impressions": 0, "clicks": 0, "spend": 0})

    campaigns = f"({made.campaign}, {later.campaign})"
    question = (
        "SELECT placement, COUNT(DISTINCT event_id) AS bids FROM parquet_bcns "
        f"WHERE type = 'bid' AND campaign_item_id IN {campaigns} GROUP BY placement"
    )
    expected = {None: len(made.bids), "top": len(later.bids)}

    def answer() -> dict[Any, int]:
        return {row["placement"]: row["bids"] for row in _rows(tree, settings, question)}

    wait_until(lambda: answer() == expected, 240, lambda: f"{answer()}, expected {expected}")


def test_a_change_that_is_not_additive_is_refused_with_what_to_do(
    settings: Settings, tree: Path
) -> None:
    events = tree / "usecases/adtech/events.py"
    declared = "app_uid: Annotated[str, MinLen(1), MaxLen({})"
    _edit(events, declared.format(256), declared.format(128))
    done = sdp(settings, "up", tree=tree)
    assert done.returncode == 1
    said = "Bid.app_uid: maxLength narrowed from 256 to 128; keep the released limit"
    assert said in done.stderr + done.stdout


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def _refusal(driver: Driver, event: dict[str, Any]) -> Any:
    return driver.post("events", [event]).json()["results"][0]["error"]["field"]


def _deploy(tree: Path, settings: Settings) -> None:
    for module in ("analytics_app.package", "lambdas.bundle"):
        subprocess.run([tree / ".venv/dev/bin/python", "-m", module], cwd=tree, check=True)
    parameters = " ".join(f"{name}={value}" for name, value in PARAMETERS.items())
    done = sdp(settings, "up", "--parameters", parameters, tree=tree)
    assert done.returncode == 0, done.stdout + done.stderr


def _rows(tree: Path, settings: Settings, question: str) -> list[dict[str, Any]]:
    done = sdp(settings, "sql", question, "--json", tree=tree)
    return list(json.loads(done.stdout)) if done.returncode == 0 else []
