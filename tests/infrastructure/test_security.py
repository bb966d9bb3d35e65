"""Encryption, retention and least privilege, in every stack of every region."""

from collections.abc import Iterator
from typing import Any

from tests.infrastructure.conftest import Synthesis, Template

# What AWS grants without a resource to name: tracing, the delivery of a state machine's logs,
# a registry's token, metrics (in SageMaker's namespace), and the list of model packages.
_EVERYWHERE = {
    "cloudwatch:GetMetricData",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListModelPackages",
}
_DATA = ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key")


def _statements(template: Template) -> Iterator[dict[str, Any]]:
    for policy in template.policies.values():
        yield from policy["PolicyDocument"]["Statement"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_policy_allows_every_action_of_a_service(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        for statement in _statements(template):
            assert not [a for a in _list(statement["Action"]) if "*" in a], template.name


def test_only_what_has_no_resource_to_name_is_granted_on_every_resource(
    synthesis: Synthesis,
) -> None:
    for template in synthesis.templates:
        for statement in _statements(template):
            if "*" in _list(statement["Resource"]):
                assert set(_list(statement["Action"])) <= _EVERYWHERE, template.name


def test_the_application_reads_events_and_writes_results_only(synthesis: Synthesis) -> None:
    template = synthesis.stack("sdp-us-east-1-processing")
    granted: dict[str, set[str]] = {}
    for statement in _statements(template):
        for resource in _list(statement["Resource"]):
            name = str(resource)
            if ":stream/sdp-adtech-" in name:
                granted.setdefault(name, set()).update(_list(statement["Action"]))
    readable = [name for name, actions in granted.items() if "kinesis:GetRecords" in actions]
    assert len(granted) == 7
    assert len(readable) == 1
    assert "bcns" in readable[0]
    assert not {"kinesis:PutRecord", "kinesis:PutRecords"} & granted[readable[0]]


def test_every_stream_is_encrypted(synthesis: Synthesis) -> None:
    streams = synthesis.stack("sdp-us-east-1-ingestion").properties("AWS::Kinesis::Stream")
    assert len(streams) == 7
    for stream in streams:
        assert stream["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}


def test_events_are_kept_for_a_replay_results_for_a_day_and_progress_has_one_shard(
    synthesis: Synthesis,
) -> None:
    streams = synthesis.stack("sdp-us-east-1-ingestion").properties("AWS::Kinesis::Stream")
    found = {s["Name"]: (s["RetentionPeriodHours"], s["ShardCount"]) for s in streams}
    assert found.pop("sdp-adtech-bcns") == (72, 2)
    assert found.pop("sdp-adtech-progress") == (24, 1)
    assert len(found) == 5
    assert set(found.values()) == {(24, 2)}


def test_every_table_is_encrypted_and_can_be_restored(synthesis: Synthesis) -> None:
    tables = synthesis.stack("sdp-us-east-1-reporting").properties("AWS::DynamoDB::Table")
    assert {t["TableName"] for t in tables} == {"sdp-adtech-campaigns", "sdp-progress"}
    for table in tables:
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_data_outlives_its_stack_but_not_a_first_deployment_that_failed(
    synthesis: Synthesis,
) -> None:
    """Else the names would be taken, and no second attempt could create them."""
    for template in synthesis.templates:
        if template.name.endswith("-dashboard"):
            continue  # the page's files are no data: each deployment makes them again
        for kind in _DATA:
            for resource in template.all(kind).values():
                assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
                assert resource["UpdateReplacePolicy"] == "Retain"


def test_every_queue_is_encrypted(synthesis: Synthesis) -> None:
    queues = synthesis.stack("sdp-us-east-1-reporting").properties("AWS::SQS::Queue")
    assert [q["SqsManagedSseEnabled"] for q in queues] == [True]


def test_every_log_is_forgotten_after_thirty_days(synthesis: Synthesis) -> None:
    groups = [g for t in synthesis.templates for g in t.properties("AWS::Logs::LogGroup")]
    assert {g["RetentionInDays"] for g in groups} == {30}


def test_every_function_has_a_log_group_of_its_own(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        for function in template.properties("AWS::Lambda::Function"):
            assert "LoggingConfig" in function


def test_everything_that_takes_tags_says_whose_it_is(synthesis: Synthesis) -> None:
    for template in synthesis.templates:
        for kind in (*_DATA, "AWS::Lambda::Function", "AWS::KinesisAnalyticsV2::Application"):
            for properties in template.properties(kind):
                assert {"Key": "platform", "Value": "sdp"} in properties["Tags"]


def test_the_aws_solutions_checks_find_nothing_unexplained(synthesis: Synthesis) -> None:
    checks = synthesis.checks
    assert checks["pluginName"] == "AwsSolutions"
    assert checks["violations"] == []
    assert checks["suppressedViolations"], "the checks did not look at the stacks"
    assert all(finding["reason"] for finding in checks["suppressedViolations"])
