"""The log folder stays bounded, and Flink's own log is kept over restarts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdpctl.local import flink_config, logs


def test_a_log_that_became_too_large_is_emptied_under_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 10)
    small = tmp_path / "small.log"
    small.write_text("short")
    with (tmp_path / "emulator.log").open("ab") as process:
        process.write(b"a long line\n")
        process.flush()
        logs.bound(tmp_path)
        process.write(b"more\n")
    assert (tmp_path / "emulator.log").read_text() == "more\n"
    assert (tmp_path / "emulator.log.1").read_text() == "a long line\n"
    assert small.read_text() == "short"


def test_only_the_newest_jobs_keep_their_logs(tmp_path: Path) -> None:
    for number in range(logs.JOBS + 3):
        path = tmp_path / f"job-{number}.log"
        path.write_text("")
        os.utime(path, (number, number))
    logs.forget_old_jobs(tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {f"job-{number}.log" for number in range(3, logs.JOBS + 3)}


def test_flink_appends_to_its_own_log_which_is_bounded(tmp_path: Path) -> None:
    shipped = tmp_path / "flink" / "conf"
    shipped.mkdir(parents=True)
    (shipped / "config.yaml").write_text("env:\n  java:\n    opts:\n      all: --add-opens x\n")
    log = tmp_path / "logs" / "flink-shop.log"
    flink_config.write(
        tmp_path / "conf",
        flink_home=tmp_path / "flink",
        checkpoints=tmp_path / "checkpoints",
        port=1,
        parallelism=1,
        scratch=tmp_path / "tmp",
        log=log,
    )
    found = dict(
        line.split(" = ", 1)
        for line in (tmp_path / "conf" / "log4j-cli.properties").read_text().splitlines()
    )
    assert found["appender.file.fileName"] == str(log)
    assert (found["appender.file.type"], found["appender.file.append"]) == ("RollingFile", "true")
    assert int(found["appender.file.policies.size.size"]) < logs.MAX_BYTES
    assert found["appender.file.strategy.max"] == "3"
