"""A backfill by the packaged application, run by Flink over a lake of files: as exact as live."""

from __future__ import annotations

import base64
import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_app.package import build
from datagen import Generation
from datagen import Settings as Generated
from glue.instants import to_wire
from sdpctl.backfill.comparing import Bucket, Buckets, Key, differences
from sdpctl.backfill.computing import Computed, Lake, compute
from sdpctl.backfill.job import Run
from sdpctl.backfill.plan import Span, plan
from sdpctl.errors import CommandError
from sdpctl.local.applications import Application, fetch
from sdpctl.settings import Settings
from usecases.adtech import USE_CASE, generator

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
SPAN = Span(START - timedelta(hours=1), START + timedelta(hours=1))
GROUP = {"CorrelationWindow": "PT10M", "AllowedLateness": "PT10M"}
PARAMETERS = USE_CASE.configured(GROUP)
MEASURES = ("bids", "impressions", "clicks", "spend")


# Two bids on one auction: the first that was received has the later event time.
FIRST, SECOND = (
    {
        "type": "bid",
        "event_id": name,
        "tx_id": "contested",
        "app_uid": "a",
        "campaign_item_id": campaign,
        "occurred_at": to_wire(START + timedelta(seconds=occurred)),
        "received_at": to_wire(START + timedelta(seconds=received)),
    }
    for name, campaign, occurred, received in (("1st", 900001, 30, 31), ("2nd", 900002, 10, 32))
)


class Store:
    """S3 and the Glue catalog, as far as they are used: objects by key, one per partition."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_object(self, Key: str, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> Any:
        self.operation = operation
        return self

    def paginate(self, **request: str) -> Any:
        if self.operation == "get_partitions":
            folder = f"adtech/raw/{request['TableName'].removeprefix('raw_')}/"
            found = {key.rsplit("/", 1)[0] for key in self.objects if key.startswith(folder)}
            return [{"Partitions": [self._partition(part) for part in sorted(found)]}]
        found = {key for key in self.objects if key.startswith(request["Prefix"])}
        return [{"Contents": [{"Key": k, "Size": len(self.objects[k])} for k in sorted(found)]}]

    @staticmethod
    def _partition(folder: str) -> dict[str, Any]:
        values = [part.partition("=")[2] for part in folder.split("/")[-2:]]
        return {"Values": values, "StorageDescriptor": {"Location": f"s3://lake/{folder}/"}}


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps({"received_at": to_wire(START + timedelta(seconds=20)), **fields}).encode()


def _raw(record: str, hour: int, lines: list[bytes]) -> dict[str, bytes]:
    key = f"adtech/raw/{record}/date=2026-11-21/hour={hour}/part.gz"
    return {key: gzip.compress(b"\n".join(lines))}


def _letter(line: bytes) -> bytes:
    payload = base64.b64encode(line).decode()
    return json.dumps({"reason": "late", "stage": "flink", "payload": payload}).encode()


def generated() -> Generation:
    """Shuffled events with repetitions and late ones."""
    settings = Generated(
        events=2000,
        start=START,
        rate=200.0,
        duplicates=0.1,
        shuffle=timedelta(seconds=4),
        late=0.05,
        late_by=timedelta(minutes=25),
    )
    return Generation(USE_CASE, generator, settings)


@pytest.fixture(scope="module")
def generation() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Shuffled events with repetitions and late ones, and the truth about them."""
    made = generated()
    return list(made), made.truth()


@pytest.fixture(scope="module")
def store(generation: tuple[list[dict[str, Any]], dict[str, Any]]) -> Store:
    """What live leaves in the lake: originals, delivered twice in part, and late ones' letters."""
    events, _ = generation
    lines = [_line(event) for event in events]
    late = [_line(e) for e in events if e["occurred_at"] < to_wire(START)]
    assert late
    beat = {"type": "heartbeat", "event_id": "h", "occurred_at": "2026-11-21T11:20:00.000Z"}
    return Store(
        _raw("bcns", 10, [*lines, *lines[:300], _line(SECOND), _line(FIRST), b"no json"])
        | _raw("bcns", 11, [_line(beat)])
        | _raw("dead_letters", 10, [_letter(line) for line in late])
        | {"code.zip": build().read_bytes()}
    )


def _compute(store: Store, home: Path) -> Computed:
    application = Application("app", 1, True, "lake", "code.zip", 2, ())
    made, lake = plan(SPAN, PARAMETERS), Lake("sdp_adtech", USE_CASE, store, store)
    settings = Settings.load({"SDP_HOME": str(home)})
    run = Run(settings, home / "run", "adtech", GROUP, ("aggregates",))
    fetch(store, application, run.folder / "code")
    return compute(lake, made, lake.select(made), run, lambda *_: None)


@pytest.fixture(scope="module")
def computed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Computed:
    """The buckets, computed again."""
    return _compute(store, tmp_path_factory.mktemp("backfill"))


def true_buckets(truth: dict[str, Any]) -> Buckets:
    """The truth of the generated events, and of two competitors, of which one counts."""
    buckets = {
        Key("campaigns", row["campaign_item_id"], row["period"]): Bucket(
            {name: row[name] for name in MEASURES}, 1
        )
        for row in truth["periods"]["campaigns"]
    }
    won = Bucket({"bids": 1, "impressions": 0, "clicks": 0, "spend": 0}, 1)
    return buckets | {Key("campaigns", 900001, int(START.timestamp())): won}


def test_what_is_computed_again_is_the_truth(
    computed: Computed, generation: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    """No difference in any measure of any bucket, late records still not counted.

    Of two competitors the one counts that live had read first.
    """
    assert list(differences(computed.buckets, true_buckets(generation[1]))) == []


def test_what_was_read_is_counted(
    computed: Computed, generation: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    events, truth = generation
    late = sum(kind["late"] for kind in truth["outcomes"].values())
    assert computed.counted.late >= late  # some were delivered twice
    assert computed.counted.records + computed.counted.late == len(events) + 300 + 2
    assert computed.counted.malformed == 1


def test_a_lake_that_has_not_got_everything_yet_is_refused(store: Store, tmp_path: Path) -> None:
    """Without the heartbeat of the later hour."""
    kept = {key: body for key, body in store.objects.items() if "hour=11" not in key}
    with pytest.raises(CommandError, match=r"no heartbeat, but needs one of .*T11:20"):
        _compute(Store(kept), tmp_path)
