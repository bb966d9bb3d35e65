"""The lake: private, encrypted, kept by class; a table's columns are the definition's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

import usecases
from glue.targets.gluetable import glue_columns
from glue.targets.lake import LakeTable, lake_tables
from lambdas.compact.lease import LENGTH, MARGIN
from tests.infrastructure.conftest import Synthesis, Template

TABLES = {t.stream: t for t in lake_tables(usecases.load().use_case("adtech"))}


@pytest.fixture
def lake(synthesis: Synthesis) -> Template:
    return synthesis.stack("sdp-eu-central-1-lake")


def _deliveries(lake: Template) -> dict[str, dict[str, Any]]:
    found = lake.properties("AWS::KinesisFirehose::DeliveryStream")
    return {d["DeliveryStreamName"]: d for d in found}


def _destination(lake: Template, stream: str) -> dict[str, Any]:
    delivery = _deliveries(lake)[f"sdp-adtech-{stream}-lake"]
    return dict(delivery["ExtendedS3DestinationConfiguration"])


def _lake_bucket(lake: Template) -> str:
    name = lake.outputs["LakeBucket"]["Value"]["Ref"]
    assert isinstance(name, str)
    return name


def test_no_bucket_of_any_stack_is_public(synthesis: Synthesis) -> None:
    buckets = [b for t in synthesis.templates for b in t.properties("AWS::S3::Bucket")]
    assert buckets
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        ownership = bucket["OwnershipControls"]["Rules"]
        assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_every_bucket_refuses_what_does_not_come_over_tls(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        guarded = {
            policy["Bucket"]["Ref"]
            for policy in template.properties("AWS::S3::BucketPolicy")
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
            and statement["Action"] == "s3:*"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        }
        assert set(template.all("AWS::S3::Bucket")) == guarded


def test_every_bucket_is_encrypted_and_the_lakes_with_its_own_key(lake: Template) -> None:
    kinds = {
        name: bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
            "ServerSideEncryptionByDefault"
        ]
        for name, bucket in lake.all("AWS::S3::Bucket").items()
    }
    (key,) = lake.all("AWS::KMS::Key")
    assert lake.all("AWS::KMS::Key")[key]["Properties"]["EnableKeyRotation"] is True
    assert kinds.pop(_lake_bucket(lake)) == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]},
    }
    assert [kind["SSEAlgorithm"] for kind in kinds.values()] == ["AES256"]


def test_what_is_overwritten_stays_for_a_week_and_accesses_are_logged(lake: Template) -> None:
    bucket = lake.all("AWS::S3::Bucket")[_lake_bucket(lake)]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LoggingConfiguration"]["DestinationBucketName"]
    rules = {r["Id"]: r for r in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["replaced"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_each_class_of_data_has_its_own_lifetime(lake: Template) -> None:
    bucket = lake.all("AWS::S3::Bucket")[_lake_bucket(lake)]["Properties"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    lifetimes = {r["Prefix"]: r["ExpirationInDays"] for r in rules if "Prefix" in r}
    assert lifetimes == {"athena/": 7, "adtech/raw/": 365, "adtech/errors/": 90}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_tables_columns_are_the_definitions(lake: Template, table: LakeTable) -> None:
    found = {t["TableInput"]["Name"]: t for t in lake.properties("AWS::Glue::Table")}
    expected = [
        {"Name": c.name, "Type": c.type, "Comment": c.comment} for c in glue_columns(table.columns)
    ]
    for name in (table.parquet, table.raw):
        assert found[name]["DatabaseName"] == "sdp_adtech"
        made = found[name]["TableInput"]
        assert made["StorageDescriptor"]["Columns"] == expected
        assert [k["Name"] for k in made["PartitionKeys"]] == ["date", "hour"]


def test_there_is_a_table_and_a_delivery_for_every_stream_but_progress(lake: Template) -> None:
    records = ("bcns", "impressions", "clicks", "transactions", "aggregates", "dead_letters")
    tables = {t["TableInput"]["Name"] for t in lake.properties("AWS::Glue::Table")}
    assert tables == {f"{kind}_{record}" for kind in ("parquet", "raw") for record in records}
    streams = {f"sdp-adtech-{record.replace('_', '-')}-lake" for record in records}
    assert set(_deliveries(lake)) == streams


@pytest.mark.parametrize("stream", TABLES)
def test_no_delivery_is_without_error_output_or_originals(lake: Template, stream: str) -> None:
    destination, table = _destination(lake, stream), TABLES[stream]
    partition = "date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"
    errors = f"adtech/errors/{table.record}/!{{firehose:error-output-type}}/{partition}"
    assert destination["Prefix"] == f"adtech/parquet/{table.record}/{partition}"
    assert destination["ErrorOutputPrefix"] == errors
    assert destination["S3BackupMode"] == "Enabled"
    backup = destination["S3BackupConfiguration"]
    assert backup["Prefix"] == f"adtech/raw/{table.record}/{partition}"
    for part in (destination, backup):
        assert "KMSEncryptionConfig" in part["EncryptionConfiguration"]
        assert part["CloudWatchLoggingOptions"]["Enabled"] is True


def test_a_record_becomes_parquet_by_the_newest_version_of_its_table(lake: Template) -> None:
    conversion = _destination(lake, "bcns")["DataFormatConversionConfiguration"]
    schema = conversion["SchemaConfiguration"]
    assert (schema["DatabaseName"], schema["TableName"]) == ("sdp_adtech", "parquet_bcns")
    assert schema["VersionId"] == "LATEST"
    assert conversion["OutputFormatConfiguration"]["Serializer"] == {
        "ParquetSerDe": {"Compression": "SNAPPY"}
    }
    formats = conversion["InputFormatConfiguration"]["Deserializer"]["HiveJsonSerDe"]
    assert "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'" in formats["TimestampFormats"]


def test_a_delivery_reads_its_stream_and_writes_its_folders_only(lake: Template) -> None:
    policies = lake.properties("AWS::IAM::Policy")
    (policy,) = [p for p in policies if "adtechclicksdelivery" in str(p["Roles"])]
    granted: dict[str, list[Any]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else [actions]:
            granted.setdefault(action, []).append(statement["Resource"])
    assert "clicks" in str(granted["kinesis:GetRecords"])
    written = str(granted["s3:PutObject"])
    assert all(f"/adtech/{kind}/clicks/*" in written for kind in ("parquet", "raw", "errors"))
    assert written.count("/*") == 3
    assert "s3:DeleteObject" not in granted
    assert "s3:GetObject" not in granted
    assert "table/sdp_adtech/parquet_clicks" in str(granted["glue:GetTable"])


def test_queries_are_limited_and_their_results_encrypted_whoever_asks(lake: Template) -> None:
    (group,) = lake.properties("AWS::Athena::WorkGroup")
    settings = group["WorkGroupConfiguration"]
    assert group["Name"] == "sdp-adtech"
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["BytesScannedCutoffPerQuery"] == 100 * 1024**3
    results = settings["ResultConfiguration"]
    assert results["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
    assert "/athena/adtech/" in str(results["OutputLocation"])


def test_each_minute_deliveries_are_registered_and_errors_reported(lake: Template) -> None:
    (rule,) = [r for r in lake.properties("AWS::Events::Rule") if "Registers" in r["Description"]]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    target = rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
    function = lake.content["Resources"][target]["Properties"]
    assert function["Handler"] == "lambdas.lake.handler.handler"
    variables = function["Environment"]["Variables"]
    assert variables["SDP_LAKE_DATABASES"] == '{"adtech":"sdp_adtech"}'
    assert set(variables) >= {"SDP_LAKE_BUCKET", "SDP_STREAMS"}


def test_upkeep_writes_only_what_it_remembers_and_never_deletes(lake: Template) -> None:
    (policy,) = [p for p in lake.properties("AWS::IAM::Policy") if "Upkeep" in str(p["Roles"])]
    granted: dict[str, str] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else [actions]:
            granted[action] = granted.get(action, "") + str(statement["Resource"])
    assert granted["s3:PutObject"].count("/*") == 1
    assert "/adtech/state/*" in granted["s3:PutObject"]
    for folder in ("errors", "state", "compacted"):
        assert f"/adtech/{folder}/*" in granted["s3:GetObject"]
    assert "table/sdp_adtech/parquet_bcns" in granted["glue:BatchCreatePartition"]
    assert "*" not in granted["glue:BatchCreatePartition"]
    assert not [a for a in granted if "Delete" in a]


def _compaction(lake: Template) -> dict[str, Any]:
    (function,) = [
        f
        for f in lake.properties("AWS::Lambda::Function")
        if f["Handler"] == "lambdas.compact.handler.handler"
    ]
    return function


def test_closed_hours_are_compacted_every_few_minutes(lake: Template) -> None:
    (rule,) = [r for r in lake.properties("AWS::Events::Rule") if "Merges" in r["Description"]]
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    target = lake.content["Resources"][rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]]
    assert target["Properties"] == _compaction(lake)
    assert "CompactionFunction" in lake.outputs


def test_compaction_has_room_on_disk_and_is_told_its_limits(lake: Template) -> None:
    function = _compaction(lake)
    assert function["EphemeralStorage"] == {"Size": 10_240}
    assert (function["MemorySize"], function["Timeout"]) == (1_769, 900)
    limits = json.loads(function["Environment"]["Variables"]["SDP_COMPACTION"])
    assert limits == {"closed_after": "PT15M", "grace": "PT1H", "file_mib": "128"}


def test_a_lease_outlives_the_function(lake: Template) -> None:
    assert timedelta(seconds=_compaction(lake)["Timeout"]) < LENGTH - MARGIN


def test_compaction_changes_parquet_files_and_their_partitions_only(lake: Template) -> None:
    (policy,) = [p for p in lake.properties("AWS::IAM::Policy") if "Compact" in str(p["Roles"])]
    granted: dict[str, str] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else [actions]:
            granted[action] = granted.get(action, "") + str(statement["Resource"])
    for action in ("s3:GetObject", "s3:DeleteObject"):
        assert granted[action].count("/*") == 2
        assert "/adtech/parquet/*" in granted[action]
        assert "/adtech/compacted/*" in granted[action]
    assert granted["s3:PutObject"].count("/*") == 1
    assert "/adtech/compacted/*" in granted["s3:PutObject"]
    assert "raw" not in granted["glue:BatchUpdatePartition"]
    assert "*" not in granted["glue:BatchUpdatePartition"]
