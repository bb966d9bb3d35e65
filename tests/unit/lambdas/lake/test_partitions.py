"""What was delivered becomes visible, once, for work in proportion to what is new."""

from datetime import timedelta

import pytest

from lambdas.lakestore.manifest import Manifest, Merged
from lambdas.lakestore.objects import StoredObject
from tests.unit.lambdas.lake.memory import MemoryBucket
from tests.unit.lambdas.lake.shop import NOW, Shop

TODAY = "shop/parquet/sales/date=2026-03-09/"


def test_the_first_look_registers_every_hour_there_is() -> None:
    shop = Shop()
    shop.deliver("parquet/sales", "date=2026-02-01/hour=23/")
    shop.deliver("parquet/sales")
    shop.deliver("raw/dead_letters")
    assert shop.look()["partitions"] == 3
    assert shop.catalog.registered == {
        (
            "parquet_sales",
            "2026-02-01",
            "23",
        ): "shop/parquet/sales/date=2026-02-01/hour=23/",
        (
            "parquet_sales",
            "2026-03-09",
            "10",
        ): "shop/parquet/sales/date=2026-03-09/hour=10/",
        (
            "raw_dead_letters",
            "2026-03-09",
            "10",
        ): "shop/raw/dead_letters/date=2026-03-09/hour=10/",
    }


def test_an_hour_is_registered_once_however_many_files_and_looks() -> None:
    shop = Shop()
    for name in "abc":
        shop.deliver("parquet/sales", name=name)
        shop.look()
    assert shop.catalog.calls == 1


def test_a_later_look_asks_only_for_today() -> None:
    shop = Shop()
    shop.look()
    shop.bucket.listed.clear()
    shop.look(NOW + timedelta(minutes=1))
    assert TODAY in shop.bucket.listed
    assert all(
        p.endswith(("date=2026-03-09/", "errors/sales/"))
        for p in shop.bucket.listed
        if "sales" in p
    )


def test_yesterday_is_looked_at_every_ten_minutes_for_what_was_late() -> None:
    shop = Shop()
    shop.look()
    shop.deliver("parquet/sales", "date=2026-03-08/hour=22/")
    assert shop.look(NOW + timedelta(minutes=1))["partitions"] == 0
    assert shop.look(NOW + timedelta(minutes=3))["partitions"] == 1


def test_files_that_land_days_back_after_an_outage_of_the_delivery_are_found_within_an_hour() -> (
    None
):
    shop = Shop(retention=timedelta(hours=72))
    shop.look()
    shop.deliver("parquet/sales", "date=2026-03-06/hour=11/")
    shop.deliver("raw/sales", "date=2026-03-07/hour=01/")
    shop.deliver("errors/sales/format-conversion-failed", "date=2026-03-06/hour=11/")
    looks = [shop.look(NOW + timedelta(minutes=n)) for n in range(1, 61)]
    assert [look["partitions"] for look in looks if look["partitions"]] == [2]
    assert len(shop.bucket.listed) < 2_500, "every look went through all days"


def test_an_hour_that_may_still_be_delivered_to_is_registered_once() -> None:
    shop = Shop(retention=timedelta(hours=72))
    shop.deliver("parquet/sales", "date=2026-03-06/hour=11/")
    for hour in range(24):
        shop.look(NOW + timedelta(hours=hour))
    assert shop.catalog.calls == 1


def test_days_without_a_look_are_made_up_for() -> None:
    shop = Shop()
    shop.look(NOW - timedelta(days=5))
    shop.deliver("parquet/sales", "date=2026-03-05/hour=01/")
    shop.deliver("parquet/sales", "date=2026-03-07/hour=13/")
    assert shop.look()["partitions"] == 2


def test_folders_that_are_no_hours_are_left_alone() -> None:
    shop = Shop()
    shop.deliver("parquet/sales", "date=someday/hour=10/")
    shop.deliver("parquet/sales", "date=2026-03-09/minute=7/")
    assert shop.look()["partitions"] == 0


def test_a_lost_memory_changes_no_partition() -> None:
    shop = Shop()
    shop.deliver("parquet/sales")
    shop.look()
    moved = ("parquet_sales", "2026-03-09", "10")
    shop.catalog.registered[moved] = "shop/compacted/sales/1/"
    del shop.bucket.stored["shop/state/lake.json"]
    shop.look()
    assert shop.catalog.registered[moved] == "shop/compacted/sales/1/"


def test_a_table_made_anew_gets_all_its_partitions_again() -> None:
    shop = Shop()
    shop.deliver("parquet/sales", "date=2026-02-01/hour=23/")
    shop.look()
    shop.catalog.registered.clear()
    shop.catalog.made = "second"
    assert shop.look(NOW + timedelta(minutes=1))["partitions"] == 1


class Compacted(Shop):
    """The shop's lake, with an hour that was compacted: nothing of it is left where it came."""

    folder = "shop/compacted/sales/date=2026-02-01/hour=23/"
    key = ("parquet_sales", "2026-02-01", "23")

    def generation(self, name: str, *, files: int = 1, lost: int = 0) -> str:
        """Files and their manifest; how many of the files are missing."""
        found = [StoredObject(f"{self.folder}{name}/{n}.parquet", 7) for n in range(files)]
        self.bucket.stored |= {file.key: b"" for file in found[lost:]}
        manifest = Manifest(name, Merged(tuple(found), 1, 1), ())
        self.bucket.stored[f"{self.folder}{name}.json"] = manifest.to_json()
        return f"{self.folder}{name}/"

    def make_anew(self) -> None:
        self.catalog.registered.clear()
        self.catalog.generations.clear()
        self.catalog.made = f"after {self.catalog.made}"


OLD, NEW, OTHER = (f"00000{n}-0123456789ab" for n in (1, 2, 3))


def test_a_table_made_anew_shows_compacted_hours_where_their_rows_are() -> None:
    shop = Compacted()
    shop.look()
    shop.generation(OLD)
    location = shop.generation(NEW, files=3)
    shop.deliver("parquet/sales", "date=2026-02-01/hour=23/", "late")
    shop.make_anew()
    again = NOW + timedelta(minutes=1)
    shop.look(again)
    assert shop.catalog.registered == {shop.key: location}
    assert shop.catalog.generations[shop.key] == (NEW, again)


def test_a_generation_that_is_not_whole_is_not_shown() -> None:
    shop = Compacted()
    location = shop.generation(OLD)
    shop.generation(NEW, files=2, lost=1)
    shop.bucket.stored[f"{shop.folder}{OTHER}/0.parquet"] = b""  # it has no manifest yet
    shop.bucket.stored[f"{shop.folder}lease.json"] = b"{}"
    shop.look()
    assert shop.catalog.registered == {shop.key: location}


def test_where_no_generation_is_whole_the_hour_is_shown_as_delivered() -> None:
    shop = Compacted()
    shop.generation(OLD, lost=1)
    shop.deliver("parquet/sales", "date=2026-02-01/hour=23/")
    shop.look()
    delivered = "shop/parquet/sales/date=2026-02-01/hour=23/"
    assert shop.catalog.registered == {shop.key: delivered}
    assert shop.catalog.generations[shop.key] == ("", None)


def test_a_long_history_is_registered_in_several_looks_the_newest_days_first() -> None:
    shop = Compacted()
    location = shop.generation(OLD)
    for day in ("03-07", "03-08", "03-09"):
        shop.deliver("parquet/sales", f"date=2026-{day}/hour=10/")
    left = iter([True, True, False] + [False] * 10)
    shop.look(more=lambda: next(left))
    assert [date for _, date, _ in shop.catalog.registered] == ["2026-03-09", "2026-03-08"]
    shop.deliver("parquet/sales", "date=2026-03-09/hour=11/")
    assert shop.look(NOW + timedelta(minutes=1))["partitions"] == 3
    assert shop.catalog.registered[shop.key] == location


def test_what_glue_refused_is_tried_again() -> None:
    shop = Compacted()
    shop.generation(OLD)
    shop.catalog.failing = 1
    with pytest.raises(ConnectionError):
        shop.look()
    shop.look(NOW + timedelta(minutes=1))
    assert shop.key in shop.catalog.registered


def test_a_column_that_was_added_shows_in_the_open_hour_and_moves_no_earlier_one() -> None:
    shop = Shop()
    shop.deliver("parquet/sales")
    shop.deliver("parquet/sales", "date=2026-03-09/hour=09/")
    shop.look()
    assert shop.catalog.widened == []
    shop.catalog.columns.append("colour")
    for minute in (1, 2):
        shop.look(NOW + timedelta(minutes=minute))
    assert shop.catalog.widened == [("parquet_sales", "2026-03-09", "10")]


def test_what_is_remembered_stays_small() -> None:
    shop = Shop()
    for day in range(40):
        now = NOW + timedelta(days=day)
        shop.deliver("parquet/sales", f"date={now:%Y-%m-%d}/hour=10/")
        shop.look(now)
    assert len(shop.bucket.stored["shop/state/lake.json"]) < 2_000


def test_nothing_new_writes_nothing() -> None:
    class Watched(MemoryBucket):
        writes = 0

        def write(self, key: str, content: bytes) -> None:
            self.writes += 1
            super().write(key, content)

    bucket = Watched()
    shop = Shop(bucket)
    shop.look()
    shop.look()
    assert bucket.writes == 1
