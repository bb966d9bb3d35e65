"""One replay runs at a time; `./sdp status` shows it, and how to go on with interrupted ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdpctl.errors import CommandError
from sdpctl.local import replays, status
from sdpctl.local.replays import alone
from sdpctl.settings import Settings

RANGE = "2026-11-21T10:00:00.000Z to 2026-11-21T11:00:00.000Z"


def test_another_replay_is_refused_by_what_runs(tmp_path: Path) -> None:
    with alone(tmp_path) as notes:
        with pytest.raises(CommandError, match="is running on this machine: wait"), alone(tmp_path):
            pass
        notes.begin("adtech", "local", RANGE)
        notes.step("computing", 1200, 5000)
        with pytest.raises(CommandError) as error, alone(tmp_path):
            pass
    assert str(error.value) == (
        f"another replay is running on this machine, of adtech, {RANGE} (computing 1,200 of "
        f"5,000): wait until it has ended, or end it with: kill {os.getpid()}"
    )
    with alone(tmp_path):
        pass


def test_a_step_is_noted_at_once_and_then_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("sdpctl.local.replays.time.monotonic", lambda: clock[0])
    with alone(tmp_path) as notes:
        notes.begin("adtech", "local", RANGE)
        for step, done, seconds in (("a", 1, 0), ("a", 2, 0.5), ("b", 3, 0), ("b", 4, 1.5)):
            clock[0] += seconds
            notes.step(step, done)
            shown = replays.running(tmp_path)
            assert shown
            assert shown.progress == {1: "a 1", 2: "a 1", 3: "b 3", 4: "b 4"}[done]
    assert replays.running(tmp_path) is None


def test_a_command_that_was_killed_is_not_running(tmp_path: Path) -> None:
    program = (
        "import time; from pathlib import Path; from sdpctl.local.replays import alone\n"
        f"with alone(Path({str(tmp_path)!r})) as n:\n"
        f"    n.begin('adtech', 'local', {RANGE!r}); print('begun', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert replays.running(tmp_path)
        process.kill()
    assert replays.running(tmp_path) is None
    with alone(tmp_path):
        assert replays.running(tmp_path) is None


def test_a_note_of_a_number_that_another_process_has_now_is_none(tmp_path: Path) -> None:
    noted = {"use_case": "adtech", "place": "local", "buckets": RANGE, "pid": os.getpid()}
    for since, shown in ((0.0, False), (time.time(), True)):
        (tmp_path / "running.json").write_text(json.dumps(noted | {"since": since}))
        assert (replays.running(tmp_path) is not None) == shown


def test_status_shows_what_runs_and_how_to_go_on_with_what_was_interrupted(tmp_path: Path) -> None:
    settings = Settings.load({"SDP_HOME": str(tmp_path)})
    home = settings.home / "replay"
    assert status._replays(settings) == []
    for place, use_case in (("local", "adtech"), ("eu-west-1", "shopping")):
        (home / place / use_case).mkdir(parents=True)
        plan = {"buckets": RANGE.split(" to ")}
        (home / place / use_case / "plan.json").write_text(json.dumps(plan))
    with alone(home) as notes:
        notes.begin("adtech", "local", RANGE)
        notes.step("storing", 1, 2)
        running, other = status._replays(settings)
    assert (running.name, running.running) == ("replay of adtech", True)
    assert running.detail == f"{RANGE}: storing 1 of 2"
    assert (other.name, other.state) == ("replay of shopping in eu-west-1", "interrupted")
    assert "--use-case shopping --region eu-west-1 --drop" in other.detail
    names = {shown.name: shown.state for shown in status._replays(settings)}
    assert names == {
        "replay of adtech": "interrupted",
        "replay of shopping in eu-west-1": "interrupted",
    }
