"""What the control plane says of a delivery stream."""

import pytest

from sdpctl.local.delivery.errors import UnsupportedFormat
from sdpctl.local.delivery.streams import Target
from tests.unit.sdpctl.delivery.described import PARTITION, delivery_stream, description


def test_source_hints_and_targets_are_read() -> None:
    found = delivery_stream()
    assert (found.stream, found.interval, found.size) == ("things", 60.0, 64 << 20)
    assert found.rows == Target("lake", f"parquet/things/{PARTITION}")
    assert found.originals == Target("lake", f"raw/things/{PARTITION}")


def test_no_backup_unless_it_is_enabled() -> None:
    assert delivery_stream(S3BackupMode="Disabled").originals is None


def test_a_backup_that_is_not_described_is_refused_and_not_forgotten() -> None:
    with pytest.raises(UnsupportedFormat, match="backup"):
        delivery_stream(S3BackupDescription=None)


def test_another_format_than_parquet_is_refused() -> None:
    with pytest.raises(UnsupportedFormat, match="Parquet"):
        delivery_stream(DataFormatConversionConfiguration={"Enabled": False})


def test_another_deserializer_is_refused_by_name() -> None:
    s3 = description()["Destinations"][0]["ExtendedS3DestinationDescription"]
    conversion = {**s3["DataFormatConversionConfiguration"]}
    conversion["InputFormatConfiguration"] = {"Deserializer": {"OpenXJsonSerDe": {}}}
    with pytest.raises(UnsupportedFormat, match="OpenXJsonSerDe"):
        delivery_stream(DataFormatConversionConfiguration=conversion)
