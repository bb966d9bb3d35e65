"""What promotion and rollback write for the stream: one version each, never into the past."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.definitions.versions import in_force
from lambdas.ports.definitions import Frontier
from lambdas.training.announcing import Announcer, AnnouncingError
from lambdas.training.releasing import Release, Serving
from tests.unit.lambdas.definitions.memory import TABLE, Memory
from tests.unit.lambdas.training.fakes import NAMES, ROLE, Models, Objects, registered

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MS = round(NOW.timestamp() * 1000)
LEAD = 15_000


class Platform:
    """A registry with versions whose graph is their own name, and a table of definitions."""

    def __init__(self) -> None:
        self.models, self.objects, self.store = Models(), Objects(), Memory()
        announcer = Announcer(self.store, TABLE, "win", LEAD, self.objects, NAMES)
        serving = Serving("image", ROLE, 2048, 10)
        self.release = Release(self.models, self.objects, NAMES, serving, announcer)

    def add(self, version: str, *, graph: bool = True) -> str:
        """A registered version; its package."""
        if graph:
            self.objects.files[NAMES.key(version, "model.onnx")] = version.encode()
        return registered(self.models, version, "PendingManualApproval")

    def promote(self, version: str, now: datetime = NOW, **how: Any) -> dict[str, Any]:
        """As a run does it."""
        arn = self.add(version, **how)
        self.release.deploy(version)
        self.models.arrive()
        return self.release.promote(version, arn, now)

    def scoring(self, at: int) -> str | None:
        """The model that scores an event of that time."""
        version = in_force(self.store.versions, at)
        return version and version.body["model_version"]


@pytest.fixture
def platform() -> Platform:
    return Platform()


def test_a_promoted_version_scores_from_the_lead_on(platform: Platform) -> None:
    answer = platform.promote("v1")
    assert answer["scores_from"] == "2026-11-21T10:00:15.000Z"
    assert platform.scoring(MS + LEAD - 1) is None
    assert platform.scoring(MS + LEAD) == "v1"
    (version,) = platform.store.versions
    assert (version.kind, version.name) == ("model", "win")
    assert dict(version.body) == {
        "model_version": "v1",
        "uri": "s3://lake/models/adtech/v1/model.onnx",
        "fingerprint": hashlib.sha256(b"v1").hexdigest(),
    }


def test_a_step_that_is_repeated_writes_nothing(platform: Platform) -> None:
    first = platform.promote("v1")
    platform.store.at = replace(platform.store.at, instant=MS + 60_000)
    assert platform.promote("v1")["scores_from"] == first["scores_from"]
    assert len(platform.store.versions) == 1


def test_nothing_is_written_before_what_the_stream_has_decided(platform: Platform) -> None:
    platform.store.at = Frontier(MS + 60_000, 0)
    platform.promote("v1")
    assert platform.scoring(MS + 60_000 + LEAD) == "v1"
    assert platform.scoring(MS + 60_000 + LEAD - 1) is None


def test_a_rollback_scores_by_the_former_version_again(platform: Platform) -> None:
    platform.promote("v1")
    platform.promote("v2")
    platform.models.arrive()
    answer = platform.release.switch(platform.release.former(), NOW)
    assert answer["version"] == "v1"
    assert platform.scoring(MS + LEAD) == "v1"
    assert [v.version for v in platform.store.versions] == [1, 2, 3]


def test_a_version_without_a_graph_ends_the_former_one(platform: Platform) -> None:
    """It may have been trained before there were graphs: the stream uses no other than it."""
    platform.promote("old", graph=False)
    assert platform.store.versions == []
    platform.promote("v1")
    platform.promote("older", graph=False)
    assert platform.scoring(MS + LEAD) is None


def test_a_writer_who_is_first_is_no_obstacle(platform: Platform) -> None:
    def move_on() -> None:
        platform.store.at = replace(platform.store.at, instant=MS + 2 * LEAD)

    platform.store.interrupt = move_on
    platform.promote("v1")
    assert platform.scoring(MS + 3 * LEAD) == "v1"


def test_writers_who_are_always_first_are_an_error(platform: Platform) -> None:
    def move_on() -> None:
        platform.store.at = replace(platform.store.at, instant=platform.store.at.instant + 2 * MS)
        platform.store.interrupt = move_on

    platform.store.interrupt = move_on
    with pytest.raises(AnnouncingError, match="promote it again"):
        platform.promote("v1")
