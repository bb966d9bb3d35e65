"""The lake's bucket, as moto plays S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdas.adapters import objects
from lambdas.adapters.objects import BucketObjects, ObjectsError
from lambdas.lakestore.objects import content

BUCKET = "lake"


@pytest.fixture
def bucket(aws: None) -> BucketObjects:
    client = objects.client()
    client.create_bucket(Bucket=BUCKET)
    return BucketObjects(client, BUCKET)


def test_folders_are_those_right_below_a_prefix(bucket: BucketObjects) -> None:
    for key in ("a/b/c/1", "a/b/2", "a/d/3", "a/4", "z/5"):
        bucket.write(key, b"")
    assert list(bucket.folders("a/")) == ["a/b/", "a/d/"]


def test_listings_have_all_pages(bucket: BucketObjects) -> None:
    names = [f"a/{n:04d}/x" for n in range(1_100)]
    for name in names:
        bucket.write(name, b"12")
    assert [(o.key, o.size) for o in bucket.objects("a/")] == [(name, 2) for name in names]
    assert list(bucket.folders("a/")) == [name.removesuffix("x") for name in names]
    bucket.delete(names)
    assert list(bucket.objects("a/")) == []


def test_what_is_not_there_is_none(bucket: BucketObjects, tmp_path: Path) -> None:
    assert bucket.read("nothing") is None
    bucket.delete(["nothing"])
    with pytest.raises(ObjectsError, match="nothing does not exist"):
        bucket.download("nothing", tmp_path / "file")


def test_files_come_and_go_whole(bucket: BucketObjects, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(bytes(range(256)) * 10_000)
    bucket.upload(tmp_path / "up", "key")
    bucket.download("key", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()


def test_only_one_creates_an_object_and_only_one_replaces_it(bucket: BucketObjects) -> None:
    first = bucket.create("lease", b"one")
    assert first is not None
    assert bucket.create("lease", b"two") is None
    second = bucket.create("lease", b"two", replacing=first)
    assert second is not None
    assert bucket.create("lease", b"three", replacing=first) is None
    assert bucket.read("lease") == (b"two", second)
    bucket.delete(["lease"])
    assert bucket.create("lease", b"four", replacing=second) is None


def test_a_copy_has_the_same_bytes_and_content_type(bucket: BucketObjects) -> None:
    bucket.write("a.json", b"{}", "application/json")
    bucket.copy("a.json", "b/c.json")
    assert content(bucket, "b/c.json") == b"{}"
    stored = objects.client().head_object(Bucket=BUCKET, Key="b/c.json")
    assert stored["ContentType"] == "application/json"
    assert content(bucket, "unknown") is None
