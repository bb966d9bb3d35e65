"""The Flink application, what starts it, and what stores its results."""

import json

import pytest

from analytics_app.properties import AWAIT_VARIABLE
from tests.infrastructure.conftest import Synthesis, Template
from tests.infrastructure.grants import listed


@pytest.fixture
def processing(synthesis: Synthesis) -> Template:
    return synthesis.stack("sdp-us-east-2-processing")


@pytest.fixture
def groups(processing: Template) -> dict[str, dict[str, object]]:
    (application,) = processing.properties("AWS::KinesisAnalyticsV2::Application")
    properties = application["ApplicationConfiguration"]["EnvironmentProperties"]
    return {g["PropertyGroupId"]: g["PropertyMap"] for g in properties["PropertyGroups"]}


def test_the_application_runs_the_packaged_zip_with_snapshots(processing: Template) -> None:
    (application,) = processing.properties("AWS::KinesisAnalyticsV2::Application")
    assert application["RuntimeEnvironment"] == "FLINK-2_3"
    assert application["ApplicationName"] == "sdp-adtech"
    configuration = application["ApplicationConfiguration"]
    assert configuration["ApplicationSnapshotConfiguration"] == {"SnapshotsEnabled": True}
    rollback = configuration["ApplicationSystemRollbackConfiguration"]
    assert rollback == {"RollbackEnabled": True}
    assert configuration["ApplicationCodeConfiguration"]["CodeContentType"] == "ZIPFILE"
    flink = configuration["FlinkApplicationConfiguration"]
    assert flink["CheckpointConfiguration"]["CheckpointingEnabled"] is True
    assert flink["ParallelismConfiguration"]["AutoScalingEnabled"] is True


def test_metrics_are_those_of_the_application_not_of_each_operator(synthesis: Synthesis) -> None:
    """Each metric of an operator costs by the month, and there are some hundred of them."""
    for template in synthesis.templates:
        for application in template.properties("AWS::KinesisAnalyticsV2::Application"):
            flink = application["ApplicationConfiguration"]["FlinkApplicationConfiguration"]
            monitoring = flink["MonitoringConfiguration"]
            assert monitoring["ConfigurationType"] == "CUSTOM"
            assert monitoring["MetricsLevel"] == "APPLICATION"


def test_the_run_options_name_main_and_the_one_jar(groups: dict[str, dict[str, object]]) -> None:
    options = groups["kinesis.analytics.flink.run.options"]
    assert options == {"python": "main.py", "jarfile": "lib/sdp.jar"}


def test_no_template_makes_main_await_its_result(synthesis: Synthesis) -> None:
    """On Managed Flink that is an error: main() hands its job over and ends."""
    assert not [t.name for t in synthesis.templates if AWAIT_VARIABLE in json.dumps(t.content)]


def test_the_properties_name_parameters_and_every_stream(
    groups: dict[str, dict[str, object]],
) -> None:
    assert len(groups["sdp.adtech"]) == 7
    assert all(name.startswith("stream.adtech.") for name in groups["sdp.adtech"])
    assert groups["sdp"] == {
        "use_cases": "adtech",
        "region": "us-east-2",
        "AggregationPeriod": "PT5M",
        "CorrelationWindow": "PT1H",
        "AllowedLateness": "PT1H",
        "DefinitionsLead": "PT15S",
        "MaxAmount": "1000000000000",
        "WatermarkDelay": "PT5S",
        "definitions.adtech": "sdp-adtech-definitions",
    }


def test_a_custom_resource_starts_the_application_after_its_log_is_there(
    processing: Template,
) -> None:
    (running,) = processing.all("Custom::FlinkApplicationRunning").values()
    (logging,) = processing.all("AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption")
    (application,) = processing.all("AWS::KinesisAnalyticsV2::Application")
    assert {logging, application} <= set(running["DependsOn"])
    assert running["Properties"]["ApplicationName"] == "sdp-adtech"
    assert len(running["Properties"]["Revision"]) == 16
    assert running["Properties"]["MetricSeconds"] == 60


def test_each_function_of_the_custom_resource_may_do_what_it_does_and_no_more(
    processing: Template,
) -> None:
    granted = {
        frozenset(
            action
            for statement in policy["PolicyDocument"]["Statement"]
            for action in listed(statement["Action"])
            if action.startswith("kinesisanalytics:")
        )
        for policy in processing.properties("AWS::IAM::Policy")
    }
    service = "kinesisanalytics:"
    start = {"DescribeApplication", "StartApplication", "StopApplication"}
    wait = {"DescribeApplication", "DescribeApplicationOperation", "ListApplicationOperations"}
    check = {"DescribeApplication"}
    expected = {frozenset(service + action for action in names) for names in (start, wait, check)}
    assert granted - {frozenset()} == expected
    assert "cloudwatch:GetMetricData" in json.dumps(processing.properties("AWS::IAM::Policy"))


def test_state_is_checked_before_the_application_is_changed(
    processing: Template, groups: dict[str, dict[str, object]]
) -> None:
    ((check, resource),) = processing.all("Custom::FlinkApplicationState").items()
    (application,) = processing.all("AWS::KinesisAnalyticsV2::Application").values()
    assert check in application["DependsOn"]
    operators = {"adtech.0": "aaaaaaaaaaaa|||the JOIN"}
    assert groups["sdp-state"] == operators
    properties = resource["Properties"]
    assert properties["Operators"] == operators
    assert (properties["ApplicationName"], properties["StateLoss"]) == ("sdp-adtech", "refuse")


def test_no_state_is_dropped_unless_the_deployment_allows_it(processing: Template) -> None:
    (application,) = processing.properties("AWS::KinesisAnalyticsV2::Application")
    run = application["RunConfiguration"]
    assert run["FlinkRunConfiguration"] == {"AllowNonRestoredState": False}


def test_results_are_stored_batch_by_batch_and_poison_is_set_aside(synthesis: Synthesis) -> None:
    template = synthesis.stack("sdp-us-east-1-reporting")
    sources = template.properties("AWS::Lambda::EventSourceMapping")
    assert len(sources) == 2
    for source in sources:
        assert source["BisectBatchOnFunctionError"] is True
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["MaximumRetryAttempts"] == -1, "until the record expires"
        assert "MaximumRecordAgeInSeconds" not in source, "by default a record has no maximum age"
        assert "Destination" in source["DestinationConfig"]["OnFailure"]


def test_a_report_is_keyed_by_its_key_and_period(synthesis: Synthesis) -> None:
    tables = synthesis.stack("sdp-us-east-1-reporting").properties("AWS::DynamoDB::Table")
    keys = {t["TableName"]: [k["AttributeName"] for k in t["KeySchema"]] for t in tables}
    assert keys == {
        "sdp-adtech-campaigns": ["campaign_item_id", "period"],
        "sdp-progress": ["use_case"],
    }
