"""The lake's tables: names, folders, columns, and what tells a repetition."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pytest

import usecases
from glue import UseCase, event, record
from glue.errors import SchemaError
from glue.targets.lake import database_name, lake_tables, partition_folder

ADTECH = usecases.load().use_case("adtech")
TABLES = {t.stream: t for t in lake_tables(ADTECH)}


def test_every_stream_but_progress_has_tables():
    assert list(TABLES) == [s for s in ADTECH.streams if s != "progress"]


def test_a_stream_with_hyphens_has_names_that_sql_can_write():
    table = TABLES["dead-letters"]
    assert (table.parquet, table.raw) == ("parquet_dead_letters", "raw_dead_letters")
    assert table.parquet_folder == "adtech/parquet/dead_letters/"
    assert table.raw_folder == "adtech/raw/dead_letters/"
    assert table.error_folder == "adtech/errors/dead_letters/"
    assert table.compacted_folder == "adtech/compacted/dead_letters/"


def test_events_share_one_table_and_repeat_by_key_type_and_id():
    table = TABLES["bcns"]
    names = [c.name for c in table.columns]
    assert names[:4] == ["type", "event_id", "occurred_at", "received_at"]
    assert {n for e in ADTECH.events for n in e.names} <= set(names)
    assert (table.key, table.identity) == ("tx_id", ("tx_id", "type", "event_id"))


def test_a_reports_rows_carry_version_and_generation():
    assert [c.name for c in TABLES["aggregates"].columns][-2:] == ["version", "generation"]


def test_results_repeat_only_as_equal_rows():
    assert {t.identity for s, t in TABLES.items() if s != "bcns"} == {()}


def test_a_partition_is_an_hour_of_delivery():
    at = datetime(2026, 3, 9, 7, 59, tzinfo=UTC)
    assert partition_folder(at) == "date=2026-03-09/hour=07/"


def test_a_database_is_named_by_deployment_and_use_case():
    assert database_name("my-sdp", "page-views") == "my_sdp_page_views"


def test_a_field_named_like_a_partition_is_refused():
    @event(key="id", stream="visits")
    class Visit:
        """A visit."""

        id: Annotated[str, "Whose."]
        hour: Annotated[int, "When."]

    with pytest.raises(SchemaError, match=r"visits: fields \['hour'\] .* rename"):
        lake_tables(UseCase("shop", "Shop.", Path(), (Visit,)))


def test_two_records_on_one_stream_cannot_share_a_table():
    @event(key="id", stream="visits")
    class Visit:
        """A visit."""

        id: Annotated[str, "Whose."]

    @record(key="id", stream="results")
    class One:
        """One."""

        id: Annotated[str, "Whose."]

    @record(key="id", stream="results")
    class Other:
        """Other."""

        id: Annotated[str, "Whose."]

    with pytest.raises(SchemaError, match=r"shop/results: .*One.*Other"):
        lake_tables(UseCase("shop", "Shop.", Path(), (Visit, One, Other)))
