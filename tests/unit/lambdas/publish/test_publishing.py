"""The page's files: all of them, the page last, what is stale removed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.publish import handler
from lambdas.publish.publishing import PublishError, publish, withdraw

SOURCE = ("assets", "page.zip")
OLD = {"index.html": b"<old>", "assets/a-1.js": b"a"}
NEW = {"index.html": b"<new>", "assets/b-2.js": b"b", "assets/b-2.css": b"c", "icon.svg": b"<svg>"}


class Site:
    """Both ports in memory; remembers the order of what happened."""

    def __init__(self) -> None:
        self.archive = b""
        self.objects: dict[str, tuple[bytes, str, str]] = {}
        self.done: list[str] = []

    def read(self, bucket: str, key: str) -> bytes:
        assert (bucket, key) == SOURCE
        return self.archive

    def keys(self, bucket: str) -> Iterator[str]:
        return iter(list(self.objects))

    def put(self, bucket: str, key: str, content: bytes, kind: str, cache: str) -> None:
        self.objects[key] = (content, kind, cache)
        self.done.append(f"put {key}")

    def delete(self, bucket: str, keys: list[str]) -> None:
        for key in keys:
            del self.objects[key]
            self.done.append(f"delete {key}")

    def publish(self, files: dict[str, bytes]) -> int:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.mkdir("assets")
            for name, content in files.items():
                archive.writestr(name, content)
        self.archive = packed.getvalue()
        return publish(self, self, source=SOURCE, bucket="page")


def test_parts_come_before_the_page_and_stale_ones_are_removed_after_it() -> None:
    site = Site()
    site.publish(OLD)
    site.done.clear()
    assert site.publish(NEW) == 4
    assert site.done == [
        "put assets/b-2.css",
        "put assets/b-2.js",
        "put icon.svg",
        "put index.html",
        "delete assets/a-1.js",
    ]
    assert {key: content for key, (content, _, _) in site.objects.items()} == NEW


def test_a_part_is_kept_for_ever_and_the_page_is_checked_at_each_visit() -> None:
    site = Site()
    site.publish(NEW)
    assert site.objects["assets/b-2.js"][1:] == (
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
    )
    assert site.objects["index.html"][1:] == ("text/html; charset=utf-8", "no-cache")


def test_nothing_is_changed_by_an_archive_without_a_page_or_with_an_unknown_kind() -> None:
    site = Site()
    site.publish(OLD)
    before = dict(site.objects)
    with pytest.raises(PublishError, match=r"no index\.html"):
        site.publish({"assets/b.js": b""})
    with pytest.raises(PublishError, match=r"assets/b.exe: no media type"):
        site.publish({**NEW, "assets/b.exe": b""})
    assert site.objects == before


def test_an_emptied_bucket_can_be_emptied_again() -> None:
    site = Site()
    site.publish(OLD)
    withdraw(site, "page")
    withdraw(site, "page")
    assert site.objects == {}


def test_the_custom_resource_publishes_and_empties(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    site.publish(OLD)
    site.objects.clear()
    monkeypatch.setattr(handler, "bootstrap", lambda: site)
    properties = {"Bucket": "page", "SourceBucket": "assets", "SourceKey": "page.zip"}
    event = {"RequestType": "Create", "ResourceProperties": properties}
    assert handler.handler(event, LambdaContext()) == {"PhysicalResourceId": "page-page"}
    assert set(site.objects) == set(OLD)
    handler.handler({**event, "RequestType": "Delete"}, LambdaContext())
    assert site.objects == {}
