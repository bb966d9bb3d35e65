"""A damaged archive is read by nobody, also where tar finds nothing wrong."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from features import archives
from features.archives import UNREADABLE, whole
from lambdas.training.archives import members
from ml.artifact import ArtifactError, unpack
from sdpctl.local.sagemaker.objects import S3FileError, S3Files
from sdpctl.renaming import renamed

CONTENT = bytes(range(256)) * 40


class Stored:
    """S3 with one object, a file."""

    def __init__(self, file):
        self._file = file

    def get_object(self, **_):
        return {"Body": io.BytesIO(self._file.read_bytes())}


@pytest.fixture
def given(tmp_path):
    """An archive of one file, which gzip stores as it is, so that a byte can change alone."""
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb", 0) as plain, tarfile.open(fileobj=plain, mode="w") as tar:
        member = tarfile.TarInfo("metrics.json")
        member.size = len(CONTENT)
        tar.addfile(member, io.BytesIO(CONTENT))
    return path


@pytest.fixture
def damaged(given):
    """It with one bit of the file's content changed: tar finds nothing wrong."""
    data = bytearray(given.read_bytes())
    data[data.index(CONTENT[:256]) + 5_000] ^= 1
    given.write_bytes(data)
    with tarfile.open(given) as tar:
        assert tar.extractfile("metrics.json").read() != CONTENT
    return given


def test_a_whole_archive_is_read(given, tmp_path):
    assert (unpack(given, tmp_path / "files") / "metrics.json").read_bytes() == CONTENT
    assert members(given.read_bytes(), ["metrics.json"]) == {"metrics.json": CONTENT}


def test_damage_that_tar_does_not_find_is_found_by_every_reader(damaged, tmp_path):
    with pytest.raises(ArtifactError, match=r"model\.tar\.gz is not a model archive: CRC"):
        unpack(damaged, tmp_path / "files")
    assert members(damaged.read_bytes(), ["metrics.json"]) == {}
    (tmp_path / "renamed").mkdir()
    assert renamed(damaged, "manual-7", tmp_path / "renamed") == damaged
    with pytest.raises(S3FileError, match=r"is not a tar\.gz archive: CRC"):
        S3Files(Stored(damaged)).unpack("s3://bucket/model.tar.gz", tmp_path / "container")


def test_what_comes_after_the_files_is_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 1 << 20)
    path = Path(tmp_path / "large.tar.gz")
    with gzip.open(path, "wb") as plain:
        with tarfile.open(fileobj=plain, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("empty"))
        plain.write(bytes(3 << 20))
    with pytest.raises(UNREADABLE, match="more than 1048576 bytes"), whole(path) as tar:
        assert tar.getnames() == ["empty"]
