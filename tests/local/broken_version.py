"""A version whose job does not start is undone by its deployment, and nothing that is open is lost.

A deployment that fails and its way back: a minute and a half, so not collected with the others. On
the platform of SDP_TEST_RUNNING, or one of its own: `make wrong-sql`.
"""

from __future__ import annotations

from pathlib import Path

from sdpctl.local import flink_status
from sdpctl.local.applications import applications
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver
from tests.local.parameters import PARAMETERS, text
from tests.local.test_updates import begin, end, replaced, state

BROKEN = "raise RuntimeError('this version cannot start')\n"


def test_a_version_that_does_not_start_leaves_the_former_one_running_with_its_state(
    driver: Driver, settings: Settings, tree: Path
) -> None:
    [former] = applications(settings)
    made = begin(driver)
    package = tree / "build" / "analytics.zip"
    built = package.read_bytes()
    package.write_bytes(replaced(built, "main.py", lambda main: BROKEN.encode()))
    try:
        done = sdp(settings, "up", "--parameters", text(PARAMETERS), tree=tree)
    finally:
        package.write_bytes(built)
    assert done.returncode == 1
    assert "RuntimeError: this version cannot start" in done.stderr
    assert "the version before runs again with its state" in done.stderr
    [current] = applications(settings)
    assert (current.key, current.properties) == (former.key, former.properties)
    assert flink_status.running(settings)
    assert state(settings)["restored_from"]
    end(driver, made)
