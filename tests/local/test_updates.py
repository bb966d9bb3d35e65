"""The application stopped, started and given new code while events flow.

New code is a changed jar, and the jar of before again; a version that does not start is
broken_version.py. Behind most local tests in their order: event time runs ahead, so that no auction
closes while the application restarts on a busy machine. Other parameters, and other definitions,
are test_evolution.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sdpctl.local import flink_status
from sdpctl.local.applications import Application, applications
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, Event, auctions, wait_until
from tests.local.parameters import PARAMETERS, text

JAR, CLASS = "lib/sdp.jar", "sdp/correlate/Reasons.class"
# What a duplicate's dead letter says, by the jar and by a changed one: of one length, so that the
# constant of the class stays valid.
WORDS, OTHER_WORDS = "already has its", "has already its"


def state(settings: Settings) -> dict[str, Any]:
    return flink_status.states(settings)[0]


def _await_version(settings: Settings, version: int) -> None:
    wait_until(
        lambda: state(settings).get("version") == version and flink_status.running(settings),
        600,
        lambda: f"version {version} does not run: {state(settings)}",
    )


def begin(driver: Driver) -> Auctions:
    """Half an auction each: what follows needs the state that this leaves."""
    made = auctions(40, at=datetime.now(UTC) + timedelta(minutes=4))
    driver.send([*made.bids, *made.clicks])
    bids = {"bids": len(made.bids), "impressions": 0, "clicks": 0, "spend": 0}
    driver.await_totals(made.campaign, bids, seconds=600)
    return made


def end(driver: Driver, made: Auctions) -> None:
    driver.send([*made.impressions, *made.bids])
    driver.await_totals(made.campaign, made.expected, seconds=600)


def test_a_stopped_application_is_started_by_up_and_goes_on_where_it_was(
    driver: Driver, settings: Settings
) -> None:
    flink = driver.client("kinesisanalyticsv2")
    name = state(settings)["name"]
    made = begin(driver)
    flink.stop_application(ApplicationName=name, Force=True)
    wait_until(
        lambda: state(settings)["state"] == "stopped" and not flink_status.jobs(settings),
        300,
        lambda: f"still there: {state(settings)} {flink_status.jobs(settings)}",
    )
    driver.send(made.impressions)
    _up(settings, text(PARAMETERS))
    assert flink_status.running(settings)
    end(driver, made)
    assert state(settings)["restored_from"]


def test_a_changed_jar_and_then_the_former_one_run_from_the_state_of_the_one_before(
    driver: Driver, settings: Settings
) -> None:
    [former] = applications(settings)
    first = begin(driver)
    s3 = driver.client("s3")
    code = s3.get_object(Bucket=former.bucket, Key=former.key)["Body"].read()
    s3.put_object(Bucket=former.bucket, Key="changed.zip", Body=_with_other_words(code))
    _update(driver, settings, former, "changed.zip")

    second = begin(driver)
    driver.send([*first.impressions[::2], first.bids[0]])
    _await_words(driver, first.bids[0], OTHER_WORDS)
    _update(driver, settings, former, former.key)

    end(driver, first)
    end(driver, second)
    _await_words(driver, second.bids[0], WORDS)


def _update(driver: Driver, settings: Settings, former: Application, key: str) -> None:
    """Give the application the code of this key, and wait until it runs from a snapshot."""
    [current] = applications(settings)
    driver.client("kinesisanalyticsv2").update_application(
        ApplicationName=former.name,
        CurrentApplicationVersionId=current.version,
        ApplicationConfigurationUpdate={
            "ApplicationCodeConfigurationUpdate": {
                "CodeContentUpdate": {"S3ContentLocationUpdate": {"FileKeyUpdate": key}}
            }
        },
    )
    _await_version(settings, current.version + 1)
    assert state(settings)["restored_from"]


def _with_other_words(code: bytes) -> bytes:
    """The application's zip with another jar, in which one class differs."""
    return replaced(code, JAR, lambda jar: replaced(jar, CLASS, _other))


def _other(compiled: bytes) -> bytes:
    assert compiled.count(WORDS.encode()) == 1
    return compiled.replace(WORDS.encode(), OTHER_WORDS.encode())


def replaced(archive: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """An archive in which the content of one entry is changed."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, change(content) if entry.filename == name else content)
    return changed.getvalue()


def _await_words(driver: Driver, bid: Event, words: str) -> None:
    """Wait for the dead letter of a repeated bid, in the words of the code that wrote it."""

    def details() -> set[str]:
        letters = driver.records("dead-letters")
        return {x["detail"] for x in letters if x.get("event_id") == bid["event_id"]}

    expected = f"this tx_id {words} bid"
    wait_until(lambda: expected in details(), 120, lambda: f"{details()}, expected {expected!r}")


def _up(settings: Settings, parameters: str) -> None:
    done = sdp(settings, "up", "--parameters", parameters)
    assert done.returncode == 0, done.stdout + done.stderr
