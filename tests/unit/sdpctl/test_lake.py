"""A table of the lake is its registered partitions, wherever they lie."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from sdpctl.cli import app
from sdpctl.errors import CommandError
from sdpctl.lake import objects, partitions


class Pages:
    """A boto3 client whose every paginator gives these pages."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **request: str) -> Any:
        return self.answer(**request)


def _part(date: str, hour: str, location: str) -> dict[str, Any]:
    return {"Values": [date, hour], "StorageDescriptor": {"Location": location}}


PARTS = [
    {"Partitions": [_part("2026-11-21", "09", "s3://lake/merged/1/")]},
    {"Partitions": [_part("2026-11-20", "23", "s3://lake/fresh/23")]},
]
KEYS = ["fresh/23/b", "fresh/23/_tmp/c", "fresh/23/.d", "fresh/23b/e", "merged/1/a"]


def _list(Bucket: str, Prefix: str) -> Any:
    found = [{"Key": key, "Size": 7} for key in KEYS if key.startswith(Prefix)]
    return [{"Contents": found[:1]}, {"Contents": found[1:]}, {}]


def test_partitions_are_in_the_order_of_their_hours() -> None:
    found = partitions(Pages(lambda **_: PARTS), "shop", "raw_sold")
    assert [(p.date, p.hour) for p in found] == [("2026-11-20", "23"), ("2026-11-21", "09")]
    assert found[0].start.isoformat() == "2026-11-20T23:00:00+00:00"


def test_objects_are_those_below_the_locations_without_hidden_ones() -> None:
    found = partitions(Pages(lambda **_: PARTS), "shop", "raw_sold")
    assert [o.uri for o in objects(Pages(_list), found)] == [
        "s3://lake/fresh/23/b",
        "s3://lake/merged/1/a",
    ]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-99", "-P1D", ""])
def test_what_is_no_day_is_refused_by_name(text: str) -> None:
    done = CliRunner().invoke(app("lake"), ["lake", "parquet_bcns", "--since", text])
    assert isinstance(done.exception, CommandError)
    assert str(done.exception) == f"--since {text!r}: must be a day like 2026-11-21"
