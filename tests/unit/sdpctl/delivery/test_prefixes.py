"""Prefixes are evaluated as Firehose does it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from sdpctl.local.delivery.errors import PrefixError
from sdpctl.local.delivery.prefixes import evaluate, java_time, object_name

AT = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)
ID = UUID(int=0x1234 << 112)


@pytest.mark.parametrize(
    ("prefix", "evaluated"),
    [
        ("a/date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/", "a/date=2026-03-05/hour=07/"),
        ("a/!{firehose:error-output-type}/!{timestamp:yyyy}/", "a/format-conversion-failed/2026/"),
        ("a/!{firehose:random-string}/!{timestamp:D'd'}", None),
        ("a/", "a/2026/03/05/07/"),
        ("", "2026/03/05/07/"),
        ("!{timestamp:'year'=yy/M/d/H/m/s}", "year=26/3/5/7/8/9"),
        ("!{timestamp:yyyy''DDD}", "2026'064"),
        ("!{firehose:random-string}/!{timestamp:mm:ss}", "12340000000/08:09"),
    ],
)
def test_a_prefix_at_the_arrival_of_its_oldest_record(prefix: str, evaluated: str | None) -> None:
    if evaluated is None:
        with pytest.raises(PrefixError, match="'D'"):
            evaluate(prefix, AT, ID)
    else:
        assert evaluate(prefix, AT, ID, "format-conversion-failed") == evaluated


@pytest.mark.parametrize("prefix", ["!{partitionKeyFromQuery:x}/", "!{firehose:error-output-type}"])
def test_an_expression_without_a_value_is_named(prefix: str) -> None:
    with pytest.raises(PrefixError, match=r"!\{"):
        evaluate(prefix, AT, ID)


def test_a_time_pattern_that_is_not_known_is_named() -> None:
    with pytest.raises(PrefixError, match="EEEE"):
        java_time("EEEE", AT)


def test_an_object_is_named_by_stream_version_time_and_id() -> None:
    assert object_name("s", "2", AT, ID) == f"s-2-2026-03-05-07-08-09-{ID}"
