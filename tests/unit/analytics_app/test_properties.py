"""The application's properties."""

import json

import pytest

from analytics_app.connectors import Kinesis, connector
from analytics_app.properties import (
    AWAIT_VARIABLE,
    Properties,
    PropertiesError,
    awaits_result,
)

GIVEN = {
    "use_cases": "adtech, other",
    "region": "eu-west-1",
    "CorrelationWindow": "PT1M",
    "stream.adtech.dead-letters": "arn:x",
}


def test_the_groups_of_the_platform_are_read_among_others(tmp_path):
    path = tmp_path / "properties.json"
    own = {"stream.adtech.dead-letters": "arn:x", "adtech.AllowedLateness": "PT2M"}
    others = {name: GIVEN[name] for name in GIVEN if not name.startswith("stream.")}
    groups = [
        {"PropertyGroupId": "kinesis.analytics.flink.run.options", "PropertyMap": {"python": "x"}},
        {"PropertyGroupId": "sdp.adtech", "PropertyMap": own},
        {"PropertyGroupId": "sdp", "PropertyMap": others},
    ]
    path.write_text(json.dumps(groups))
    found = Properties.read(path)
    assert found.use_cases == ("adtech", "other")
    assert found.parameters == {"CorrelationWindow": "PT1M", "adtech.AllowedLateness": "PT2M"}
    assert found.streams == {("adtech", "dead-letters"): "arn:x"}


@pytest.mark.parametrize("text", ["", "[1]", "{}", '[{"PropertyGroupId":"x","PropertyMap":{}}]'])
def test_a_file_without_the_group_is_refused_by_its_name(tmp_path, text):
    path = tmp_path / "properties.json"
    path.write_text(text)
    with pytest.raises(PropertiesError, match=r"properties\.json"):
        Properties.read(path)


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path):
    with pytest.raises(PropertiesError, match=r"absent\.json"):
        Properties.read(tmp_path / "absent.json")


def test_no_use_case_is_refused():
    with pytest.raises(PropertiesError, match="use_cases"):
        Properties.parse({})


def test_a_stream_without_its_arn_is_named():
    with pytest.raises(PropertiesError, match=r"stream\.adtech\.bcns"):
        Kinesis({}, "eu-west-1").source("adtech", "bcns")


def test_an_unknown_connector_is_refused_with_the_choices():
    with pytest.raises(PropertiesError, match=r"'kafka' is not one of \['kinesis', 'files'\]"):
        connector(Properties.parse({**GIVEN, "connector": "kafka"}))


def test_a_run_over_files_may_keep_only_some_results():
    given = {**GIVEN, "connector": "files", "files.path": "/data", "files.kept": "aggregates"}
    some, all_ = (
        connector(Properties.parse(given)),
        connector(Properties.parse({**given, "files.kept": ""})),
    )
    assert some.sink("adtech", "aggregates")["path"] == "/data/adtech/aggregates"
    assert some.sink("adtech", "clicks") == {"connector": "blackhole"}
    assert all_.sink("adtech", "clicks")["path"] == "/data/adtech/clicks"


def test_definitions_are_read_from_the_table_as_long_as_the_job_runs():
    given = {**GIVEN, "definitions.shopping": "sdp-shopping-definitions"}
    options = connector(Properties.parse(given)).definitions("shopping")
    assert options["definitions.table"] == "sdp-shopping-definitions"
    assert "definitions.bounded" not in options and options["aws.region"] == GIVEN["region"]
    with pytest.raises(PropertiesError, match=r"definitions\.adtech: the property is missing"):
        connector(Properties.parse(given)).definitions("adtech")


def test_a_run_over_files_reads_the_table_once_or_a_file():
    given = {**GIVEN, "connector": "files", "files.path": "/data"}
    assert connector(Properties.parse(given)).definitions("shopping") == {
        "definitions.file": "/data/shopping/definitions.ndjson"
    }
    given["definitions.shopping"] = "sdp-shopping-definitions"
    options = connector(Properties.parse(given)).definitions("shopping")
    assert options["definitions.table"] == "sdp-shopping-definitions"
    assert options["definitions.bounded"] == "true"


def test_main_awaits_its_result_only_where_a_variable_says_so():
    assert [awaits_result(env) for env in ({}, {AWAIT_VARIABLE: "0"})] == [False, False]
    assert awaits_result({AWAIT_VARIABLE: "1"})
    with pytest.raises(PropertiesError, match="SDP_AWAIT_RESULT='yes' must be 0 or 1"):
        awaits_result({AWAIT_VARIABLE: "yes"})
