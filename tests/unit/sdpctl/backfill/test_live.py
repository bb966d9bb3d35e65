"""What is stored is read as it would be written, and writing takes the streams of the results."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.topology import Topology
from sdpctl.backfill.comparing import Bucket, Key
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import Span
from sdpctl.errors import CommandError
from usecases import load
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
PERIOD = int(START.timestamp())
SPAN = Span(START, START + timedelta(hours=1))
MEASURES = {"bids": 2, "impressions": 1, "clicks": 0, "spend": 9}
NUMBERS = {"campaign_item_id": 1, "period": PERIOD, **MEASURES, "version": 3, "generation": 4}
BUCKET = {Key("campaigns", 1, PERIOD): Bucket(MEASURES, 3, 4)}


class Tables:
    """DynamoDB with one item and a progress."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {name: {"N": str(value)} for name, value in NUMBERS.items()}
        self.requested: dict[str, Any] = {}

    def get_paginator(self, _: str) -> Tables:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.requested = request
        return [{"Items": [self.item]}, {"Items": []}]

    def describe_table(self, TableName: str) -> dict[str, Any]:
        assert TableName == "sdp-adtech-campaigns"
        return {"Table": {"CreationDateTime": START}}

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": {"watermark": {"N": str((PERIOD + 7200) * 1000)}}}


class Streams:
    """Kinesis, which takes all or nothing."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.put: list[tuple[str, str, dict[str, Any]]] = []

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
        if self.error:
            answers = [{"ErrorCode": self.error} for _ in Records]
            return {"FailedRecordCount": len(Records), "Records": answers}
        self.put += [(StreamName, r["PartitionKey"], json.loads(r["Data"])) for r in Records]
        return {"FailedRecordCount": 0, "Records": [{} for _ in Records]}


def live(tables: Tables, streams: Streams) -> Live:
    """The use case's reports in a deployment of these."""
    return Live(Topology("sdp", load(("adtech",))), USE_CASE, tables, streams)


def test_the_stored_buckets_of_a_range_are_read_with_their_generation() -> None:
    tables = Tables()
    assert live(tables, Streams()).buckets(SPAN) == BUCKET
    assert tables.requested["TableName"] == "sdp-adtech-campaigns"
    low_high = [value["N"] for value in tables.requested["ExpressionAttributeValues"].values()]
    assert low_high == [str(PERIOD), str(PERIOD + 3600)]


def test_complete_through_is_the_watermark_less_window_and_lateness() -> None:
    through = live(Tables(), Streams()).complete_through(USE_CASE.configured({}))
    assert through == START


def test_buckets_are_put_into_the_stream_of_their_report() -> None:
    streams, counted = Streams(), []
    live(Tables(), streams).write(BUCKET, 5, counted.append)
    assert streams.put == [("sdp-adtech-aggregates", "1", {**NUMBERS, "generation": 5})]
    assert counted == [1]


def test_what_a_stream_does_not_take_is_said() -> None:
    refusing = live(Tables(), Streams("ResourceNotFoundException"))
    with pytest.raises(CommandError, match="1 buckets were not written: ResourceNotFoundException"):
        refusing.write(BUCKET, 5, lambda _: None)


def test_an_emptied_bucket_is_read_with_its_generation() -> None:
    tables = Tables()
    names = ("campaign_item_id", "period", "generation")
    tables.item = {name: tables.item[name] for name in names} | {"version": {"N": "0"}}
    [found] = live(tables, Streams()).buckets(SPAN).values()
    assert (found.version, found.generation) == (0, 4)


def test_the_tables_are_as_old_as_the_oldest() -> None:
    assert live(Tables(), Streams()).created() == START
