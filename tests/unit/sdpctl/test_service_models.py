"""Requests are held to the services' own models: what botocore lets pass, and nothing less."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.session import Session

from lambdas.bundle import SERVICES
from sdpctl.local.service_models import (
    RefusedRequest,
    UnreadablePattern,
    _compiled,
    violations,
)

USED = (*SERVICES, "apigateway", "cloudformation", "iam", "lambda", "s3control")


def _call(service: str, call: str, **request: Any) -> None:
    client = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://127.0.0.1:9",
    )
    getattr(client, call)(**request)


def _refused(service: str, call: str, **request: Any) -> str:
    with pytest.raises(RefusedRequest) as refused:
        _call(service, call, **request)
    return str(refused.value)


def test_a_partition_key_that_is_too_long_is_refused_before_it_is_sent() -> None:
    records = [{"Data": b"x", "PartitionKey": "k"}, {"Data": b"x", "PartitionKey": "k" * 257}]
    message = _refused("kinesis", "put_records", StreamName="s", Records=records)
    assert message.startswith("kinesis PutRecords: 1 validation error detected: Value 'kkk")
    assert "at 'records.2.member.partitionKey' failed to satisfy constraint" in message
    assert message.endswith("Member must have length less than or equal to 256")


def test_too_many_entries_are_refused() -> None:
    record = {"Data": b"x", "PartitionKey": "k"}
    assert "less than or equal to 500" in _refused(
        "kinesis", "put_records", StreamName="s", Records=[record] * 501
    )


def test_what_botocore_refuses_itself_is_left_to_it() -> None:
    """As on AWS: code that tells a request that was never sent from an outage must see that."""
    for records in ([], "text"):
        with pytest.raises(ParamValidationError):
            _call("kinesis", "put_records", StreamName="s", Records=records)


def test_an_unknown_choice_is_refused() -> None:
    message = _refused(
        "kinesis", "get_shard_iterator", StreamName="s", ShardId="1", ShardIteratorType="NEWEST"
    )
    assert "at 'shardIteratorType'" in message
    assert "Member must satisfy enum value set: [AT_SEQUENCE_NUMBER, " in message


def test_bytes_are_held_to_their_length() -> None:
    data = b"x" * (10 * 1024 * 1024 + 1)
    assert "at 'data'" in _refused(
        "kinesis", "put_record", StreamName="s", PartitionKey="k", Data=data
    )


def test_text_beyond_16_bits_passes_where_the_model_lists_pairs_of_surrogates() -> None:
    operation = Session().get_service_model("glue").operation_model("GetTable")
    assert not violations(operation, {"DatabaseName": "🚀", "Name": "t"})
    found = violations(operation, {"DatabaseName": "a\x00", "Name": "t"})
    assert [v.path for v in found] == ["databaseName"]


def test_digits_and_letters_are_ascii_as_in_java() -> None:
    assert not _compiled(r"[\w\d]+").fullmatch("é٣")  # type: ignore[union-attr]
    assert _compiled(r"[\p{L}]+").fullmatch("é")  # type: ignore[union-attr]


@pytest.mark.parametrize("service", USED)
def test_every_pattern_of_the_services_that_are_used_can_be_checked(service: str) -> None:
    model = Session().get_service_model(service)
    for name in model.shape_names:
        pattern = model.shape_for(name).metadata.get("pattern")
        assert pattern is None or _compiled(pattern), f"{name}: {pattern}"


def test_a_pattern_that_cannot_be_read_is_an_error_of_the_check() -> None:
    with pytest.raises(UnreadablePattern, match=r"UNREADABLE"):
        _compiled(r"\p{NoSuchProperty}")


ONE_OBJECT, ONE_KEY = {"Key": "k"}, {"id": {"S": "k"}}
DATUM = {"MetricName": "m", "Value": 1.0}


@pytest.mark.parametrize(
    ("service", "call", "request_of", "most", "words"),
    [
        (
            "s3",
            "delete_objects",
            lambda n: {"Bucket": "lake", "Delete": {"Objects": [ONE_OBJECT] * n}},
            1_000,
            "at most 1000 members",
        ),
        (
            "athena",
            "start_query_execution",
            lambda n: {"QueryString": "ä" * (n // 2)},
            262_144,
            "at most 262144 bytes",
        ),
        (
            "dynamodb",
            "batch_get_item",
            lambda n: {"RequestItems": {t: {"Keys": [ONE_KEY] * (n // 2)} for t in ("aaa", "bbb")}},
            100,
            "at most 100 keys of all tables together",
        ),
        (
            "cloudwatch",
            "put_metric_data",
            lambda n: {"Namespace": "SDP", "MetricData": [DATUM] * n},
            1_000,
            "at most 1000 members",
        ),
        (
            "stepfunctions",
            "start_execution",
            lambda n: {
                "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
                "input": "ä" * (n // 2),
            },
            262_144,
            "at most 262144 bytes",
        ),
    ],
)
def test_limits_that_the_models_lack_hold_too(
    service: str, call: str, request_of: Any, most: int, words: str
) -> None:
    assert words in _refused(service, call, **request_of(most + 2))
    model = Session().get_service_model(service)
    name = next(n for n in model.operation_names if xform_name(n) == call)
    assert violations(model.operation_model(name), request_of(most)) == []
