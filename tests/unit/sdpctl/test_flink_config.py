"""Flink's configuration on this machine: which places it names."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdpctl.local import flink_config

# Flink's own part: job, operator, subtask and two UUIDs; RocksDB's log adds "_LOG".
BELOW_LOCAL_DIR = 200
NAME_BYTES = 255


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary files of a job in a folder with a long path.

    The machine's own folder for temporary files has a short one, other than that of the tests.
    """
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    folder = tmp_path / ("a-long-name-" * 12) / "tmp"
    yield folder
    flink_config.clear(folder)


def _configured(tmp_path: Path, scratch: Path) -> dict[str, str]:
    conf = tmp_path / "flink" / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "config.yaml").write_text("env:\n  java:\n    opts:\n      all: --add-opens=x\n")
    (conf / "log4j-cli.properties").write_text("")
    scratch.mkdir(parents=True, exist_ok=True)
    flink_config.write(
        tmp_path / "conf",
        flink_home=conf.parent,
        checkpoints=tmp_path / "checkpoints",
        port=1,
        parallelism=2,
        scratch=scratch,
        log=tmp_path / "flink.log",
    )
    lines = (tmp_path / "conf" / "config.yaml").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_a_file_can_be_named_after_the_path_of_rocksdb_on_the_disk_of_the_job(
    tmp_path: Path, scratch: Path
) -> None:
    local = Path(_configured(tmp_path, scratch)["state.backend.rocksdb.localdir"])
    assert len(str(local)) + BELOW_LOCAL_DIR < NAME_BYTES
    assert local.resolve().is_relative_to(scratch)


def test_what_a_killed_job_left_is_removed_and_replaced(tmp_path: Path, scratch: Path) -> None:
    local = Path(_configured(tmp_path, scratch)["state.backend.rocksdb.localdir"])
    (local / "db").mkdir()
    flink_config.clear(scratch)
    assert not scratch.exists()
    assert not local.is_symlink()
    _configured(tmp_path, scratch)
    assert local.is_dir()
    assert list(local.iterdir()) == []
    flink_config.clear(scratch)


def _fingerprint(tmp_path: Path, scratch: Path, extra: dict[str, str], aws: str = "a") -> str:
    _configured(tmp_path, scratch)
    flink_config.append(tmp_path / "conf", extra)
    (tmp_path / "flink" / "lib").mkdir(exist_ok=True)
    (tmp_path / "flink" / "lib" / "flink-dist-2.3.0.jar").touch()
    surroundings = {"AWS_ENDPOINT_URL": aws, "PATH": "p"}
    return flink_config.fingerprint(tmp_path / "conf", tmp_path / "flink", surroundings)


def test_a_plan_fits_every_start_with_the_same_options(tmp_path: Path, scratch: Path) -> None:
    first = _fingerprint(tmp_path, scratch, {})
    restored = {"rest.port": "2", "execution.state-recovery.path": "file:/chk-7"}
    assert _fingerprint(tmp_path, scratch, {**restored, "sdp.plan.path": "/p"}) == first


@pytest.mark.parametrize(
    ("extra", "aws", "jar"),
    [
        ({"parallelism.default": "3"}, "a", None),
        ({}, "b", None),
        ({}, "a", "flink-dist-2.4.0.jar"),
    ],
)
def test_with_other_options_aws_or_flink_it_is_another_plan(
    tmp_path: Path, scratch: Path, extra: dict[str, str], aws: str, jar: str | None
) -> None:
    first = _fingerprint(tmp_path, scratch, {})
    if jar:
        (tmp_path / "flink" / "lib" / jar).touch()
    assert _fingerprint(tmp_path, scratch, extra, aws) != first
