"""The application stopped, started and given new code while events flow.

Behind most local tests in their order: event time runs ahead, so that no auction closes while the
application restarts on a busy machine. Other parameters, and other definitions, are test_evolution.
"""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

from sdpctl.local import flink_status
from sdpctl.local.applications import applications
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, auctions, wait_until
from tests.local.parameters import PARAMETERS, text


def _state(settings: Settings) -> dict[str, Any]:
    return flink_status.states(settings)[0]


def _await_version(settings: Settings, version: int) -> None:
    wait_until(
        lambda: _state(settings).get("version") == version and flink_status.running(settings),
        600,
        lambda: f"version {version} does not run: {_state(settings)}",
    )


def _begin(driver: Driver) -> Auctions:
    """Half an auction each: what follows needs the state that this leaves."""
    made = auctions(40, at=datetime.now(UTC) + timedelta(minutes=4))
    driver.send([*made.bids, *made.clicks])
    bids = {"bids": len(made.bids), "impressions": 0, "clicks": 0, "spend": 0}
    driver.await_totals(made.campaign, bids, seconds=600)
    return made


def _end(driver: Driver, made: Auctions) -> None:
    driver.send([*made.impressions, *made.bids])
    driver.await_totals(made.campaign, made.expected, seconds=600)


def test_a_stopped_application_is_started_by_up_and_goes_on_where_it_was(
    driver: Driver, settings: Settings
) -> None:
    flink = driver.client("kinesisanalyticsv2")
    name = _state(settings)["name"]
    made = _begin(driver)
    flink.stop_application(ApplicationName=name, Force=True)
    wait_until(
        lambda: _state(settings)["state"] == "stopped" and not flink_status.jobs(settings),
        300,
        lambda: f"still there: {_state(settings)} {flink_status.jobs(settings)}",
    )
    driver.send(made.impressions)
    _up(settings, text(PARAMETERS))
    assert flink_status.running(settings)
    _end(driver, made)
    assert _state(settings)["restored_from"]


def test_new_code_runs_from_the_state_of_the_old(driver: Driver, settings: Settings) -> None:
    [before] = applications(settings)
    made = _begin(driver)
    s3 = driver.client("s3")
    code = s3.get_object(Bucket=before.bucket, Key=before.key)["Body"].read()
    key = "another-version.zip"
    s3.put_object(Bucket=before.bucket, Key=key, Body=_with_a_mark(code))
    location = {"FileKeyUpdate": key}
    driver.client("kinesisanalyticsv2").update_application(
        ApplicationName=before.name,
        CurrentApplicationVersionId=before.version,
        ApplicationConfigurationUpdate={
            "ApplicationCodeConfigurationUpdate": {
                "CodeContentUpdate": {"S3ContentLocationUpdate": location}
            }
        },
    )
    _await_version(settings, before.version + 1)
    assert _state(settings)["restored_from"]
    [folder] = (settings.home / "flink" / before.name).glob("version-*")
    assert (folder / "MARK").read_text() == "new"
    _end(driver, made)


def _with_a_mark(code: bytes) -> bytes:
    changed = io.BytesIO(code)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("MARK", "new")
    return changed.getvalue()


def _up(settings: Settings, parameters: str) -> None:
    done = sdp(settings, "up", "--parameters", parameters)
    assert done.returncode == 0, done.stdout + done.stderr
