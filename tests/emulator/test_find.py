"""`./sdp find`, `dead-letters` and `audit` where two use cases are deployed: each is searched."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import usecases
from glue.instants import parse
from glue.targets.lake import lake_tables
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.ports.ledger import Receipts, minute_key, stream_partition
from sdpctl.local import aws, emulator
from sdpctl.settings import ROOT, Settings
from tests.emulator.aged import AgedLake

AT = "2026-11-21T09:00:00.000Z"
OUTPUTS = {
    "UseCases": {"Value": "adtech,shopping"},
    "Applications": {"Value": "one=adtech+shopping"},
}
DEPLOYED = {
    "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    "Outputs": OUTPUTS,
}
PROPERTIES = [{"PropertyGroupId": "sdp", "PropertyMap": {"use_cases": "adtech,shopping"}}]


def _event(type_: str, id_: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "event_id": id_, "occurred_at": AT, "received_at": AT, **fields}


def _letter(event: dict[str, Any], reason: str, failed_at: str) -> dict[str, Any]:
    return {
        "id": f"s0:1:{event['event_id']}",
        "use_case": "",
        "stage": "flink",
        "reason": reason,
        "detail": f"why it is {reason}",
        "payload": base64.b64encode(json.dumps(event).encode()).decode(),
        "event_id": event["event_id"],
        "failed_at": failed_at,
    }


BID = _event("bid", "both", tx_id="a-1", campaign_item_id=7)
PAID = _event("transaction", "both", card_id="c-1", acc_num=1, amount=2.5)
LATE = _event("transaction", "late", card_id="a-1", acc_num=1, amount=2.5)
MALFORMED = _event("bid", "malformed", tx_id="a-2", campaign_item_id=7)
# Received in the minute after: it was audited, and one of three has neither result nor letter.
NEXT = "2026-11-21T09:01:30.000Z"
SHOWN, LOST, DOUBLE = (
    _event("imp", id_, tx_id="a-3") | {"occurred_at": NEXT, "received_at": NEXT}
    for id_ in ("shown", "lost", "double")
)
RESULT = {"event_id": "shown", "tx_id": "a-3", "campaign_item_id": 7, "occurred_at": NEXT}
COUNTS = {"read": 3, "counted": 1, "duplicate": 1}
ROWS = {
    ("adtech", "bcns"): [BID, MALFORMED, SHOWN, LOST, DOUBLE],
    ("adtech", "impressions"): [RESULT],
    ("shopping", "activity"): [PAID, LATE],
    ("adtech", "dead-letters"): [
        _letter(MALFORMED, "malformed", "2026-11-21T09:00:01.000Z"),
        _letter(DOUBLE, "duplicate", "2026-11-21T09:00:00.000Z"),
    ],
    ("shopping", "dead-letters"): [_letter(LATE, "late", "2026-11-21T09:00:02.000Z")],
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An emulator in which both use cases are deployed as far as these commands see."""
    with emulator.alone(tmp_path_factory.mktemp("two")) as made:
        client = partial(aws.client, made)
        stack = {"StackName": f"{made.stage}-deployed", "TemplateBody": json.dumps(DEPLOYED)}
        client("cloudformation").create_stack(**stack)
        client("cloudformation").get_waiter("stack_create_complete").wait(
            StackName=stack["StackName"], WaiterConfig={"Delay": 1}
        )
        _application(client("kinesisanalyticsv2"))
        _progress(client("dynamodb"))
        _ledger(client("dynamodb"))
        client("s3").create_bucket(Bucket="results")
        for use_case in usecases.NAMES:
            _lake(client, use_case)
        yield made


def _application(flink: Any) -> None:
    code = {"S3ContentLocation": {"BucketARN": "arn:aws:s3:::code", "FileKey": "zip"}}
    flink.create_application(
        ApplicationName="sdp-one",
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole="arn:aws:iam::000000000000:role/one",
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {"CodeContent": code, "CodeContentType": "ZIPFILE"},
            "EnvironmentProperties": {"PropertyGroups": PROPERTIES},
        },
    )


def _progress(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="sdp-progress",
        KeySchema=[{"AttributeName": "use_case", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "use_case", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    watermark = {"N": "1795420800000"}  # 2026-11-23
    for name in usecases.NAMES:
        item = {"use_case": {"S": name}, "watermark": watermark}
        dynamodb.put_item(TableName="sdp-progress", Item=item)


def _ledger(dynamodb: Any) -> None:
    """Four were acknowledged in the minute; three were read, and two of them have an outcome."""
    dynamodb.create_table(
        TableName="sdp-ledger",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    minute = parse(NEXT).replace(second=0)
    DynamoReceipts("sdp-ledger", dynamodb).put(Receipts("adtech", minute, "one", ok=4))
    key = {"pk": {"S": stream_partition("adtech")}, "sk": {"S": minute_key(minute)}}
    counts = {name: {"N": str(number)} for name, number in COUNTS.items()}
    dynamodb.put_item(TableName="sdp-ledger", Item=key | counts)


def _lake(client: Any, use_case: str) -> None:
    client("glue").create_database(DatabaseInput={"Name": f"sdp_{use_case}"})
    location = {"OutputLocation": f"s3://results/athena/{use_case}/"}
    client("athena").create_work_group(
        Name=f"sdp-{use_case}", Configuration={"ResultConfiguration": location}
    )
    lake = AgedLake(client, f"lake-of-{use_case}", f"sdp_{use_case}")
    for table in lake_tables(usecases.load().use_case(use_case)):
        lake.create(table)
        if rows := ROWS.get((use_case, table.stream)):
            lake.deliver(table, rows)


def _sdp(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(settings, *arguments, "--days", "3650")


def _run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    places = {"SDP_HOME": str(settings.home), "SDP_EMULATOR_PORT": str(settings.emulator_port)}
    return subprocess.run(
        [ROOT / "sdp", *arguments],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )


def _json(settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    done = _sdp(settings, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_id_that_both_have_is_found_in_both(settings: Settings) -> None:
    found = [(v["use_case"], v["type"], v["state"]) for v in _json(settings, "find", "both")]
    assert found == [("adtech", "bid", "counted"), ("shopping", "transaction", "counted")]
    shown = _sdp(settings, "find", "both").stdout
    assert "use case" in shown and "shopping" in shown and "campaigns 7 from 2026-11-21" in shown


def test_a_key_is_found_as_what_each_has_as_key(settings: Settings) -> None:
    found = [(v["use_case"], v["event_id"], v["state"]) for v in _json(settings, "find", "a-1")]
    assert found == [("adtech", "both", "counted"), ("shopping", "late", "not counted")]


def test_one_use_case_is_searched_alone(settings: Settings) -> None:
    [found] = _json(settings, "find", "both", "--use-case", "shopping")
    assert (found["use_case"], found["key"]) == ("shopping", "c-1")


def test_what_is_in_none_names_all_that_were_searched(settings: Settings) -> None:
    done = _sdp(settings, "find", "nobody")
    assert done.returncode == 1
    assert "nobody: no event of adtech or shopping with this event_id or key" in done.stderr


def test_the_newest_dead_letters_of_both_are_listed(settings: Settings) -> None:
    listed = _json(settings, "dead-letters")
    assert [(x["use_case"], x["event_id"]) for x in listed] == [
        ("shopping", "late"),
        ("adtech", "malformed"),
        ("adtech", "double"),
    ]
    assert [x["event_id"] for x in _json(settings, "dead-letters", "--limit", "1")] == ["late"]
    [of_key] = _json(settings, "dead-letters", "--key", "a-1")
    assert of_key["use_case"] == "shopping"
    of_one = _json(settings, "dead-letters", "--use-case", "adtech")
    assert [x["event_id"] for x in of_one] == ["malformed", "double"]


def test_dead_letters_are_counted_by_use_case(settings: Settings) -> None:
    counted = _json(settings, "dead-letters", "--count")
    assert [(x["use_case"], x["reason"], x["letters"]) for x in counted] == [
        ("adtech", "duplicate", 1),
        ("adtech", "malformed", 1),
        ("shopping", "late", 1),
    ]
    assert "use case" in _sdp(settings, "dead-letters", "--count").stdout


def test_one_is_shown_whichever_use_case_has_it(settings: Settings) -> None:
    shown = _sdp(settings, "dead-letters", "show", "s0:1:late").stdout
    assert "use_case" in shown and "shopping" in shown


AUDITED = ("audit", "--from", "2026-11-21T09:01:00Z", "--to", "2026-11-21T09:02:00Z")


def test_an_audit_names_the_record_without_an_outcome_and_what_cannot_be_known(
    settings: Settings,
) -> None:
    done = _run(settings, *AUDITED, "--json")
    assert done.returncode == 1, done.stderr
    [minute] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (minute["missing"], minute["read"], minute["is_closed"]) == (2, 3, True)
    found = minute["missing_records"]
    [record] = found["records"]
    assert record == {
        "event_id": "lost",
        "type": "imp",
        "key": "a-3",
        "occurred_at": NEXT,
        "received_at": NEXT,
        "state": "missing",
        "last_seen": "stream bcns; parquet_bcns, date 2026-11-21, hour 10",
    }
    assert found["hidden"] == 0
    assert [note[:40] for note in found["notes"]] == [
        "1 of the missing: acknowledged by the AP",
        "1 of the missing cannot be named: the la",
    ]
    shown = _run(settings, *AUDITED).stdout
    assert "adtech: 2 missing of 2026-11-21T09:01Z" in shown
    assert "lost" in shown and found["notes"][1] in shown
    none = _run(settings, *AUDITED, "--records", "0").stdout
    assert "2 missing" in none and "lost" not in none


def test_a_lake_that_cannot_be_read_leaves_the_numbers_and_a_reason(settings: Settings) -> None:
    glue = aws.client(settings, "glue")
    table = glue.get_table(DatabaseName="sdp_adtech", Name="parquet_transactions")["Table"]
    glue.delete_table(DatabaseName="sdp_adtech", Name="parquet_transactions")
    try:
        done = _run(settings, *AUDITED)
    finally:
        kept = ("Name", "Description", "TableType", "PartitionKeys", "StorageDescriptor")
        made = {name: table[name] for name in kept}
        glue.create_table(DatabaseName="sdp_adtech", TableInput=made)
    assert done.returncode == 1
    assert "2 missing" in done.stdout
    assert "The records cannot be named, because the lake cannot be read: " in done.stdout
