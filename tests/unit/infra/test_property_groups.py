"""Property groups that Managed Flink takes, and those that are refused before."""

from __future__ import annotations

import pytest

from infra.property_groups import PropertyGroupError, check, split
from sdpctl.local.applications import parse


def _streams(use_case: str, count: int) -> dict[str, str]:
    return {f"stream.{use_case}.s{n}": f"arn:aws:kinesis:::stream/{n}" for n in range(count)}


def test_forty_use_cases_of_seven_streams_fit_into_one_application() -> None:
    properties = {"use_cases": "…", "region": "eu-west-1"}
    for n in range(40):
        properties |= _streams(f"case{n}", 7)
    groups = split(properties)
    check(groups)
    assert groups["sdp"] == {"use_cases": "…", "region": "eu-west-1"}
    assert groups["sdp.case7"] == _streams("case7", 7)
    assert {key: value for group in groups.values() for key, value in group.items()} == properties


def test_a_use_case_with_too_many_streams_is_refused_with_the_count_and_what_to_do() -> None:
    check(split({"region": "x", **_streams("shop", 50)}))
    with pytest.raises(PropertyGroupError, match=r"'sdp\.shop' has 51 properties.*50.*fewer strea"):
        check(split({"region": "x", **_streams("shop", 51)}))


def test_too_many_groups_are_refused() -> None:
    groups = {f"sdp.c{n}": {"k": "v"} for n in range(51)}
    with pytest.raises(PropertyGroupError, match=r"51 property groups.*fewer use cases"):
        check(groups)


def test_a_value_that_is_too_long_is_refused_by_its_key() -> None:
    check({"sdp": {"use_cases": "x" * 2048}})
    with pytest.raises(PropertyGroupError, match=r"'use_cases' of group 'sdp'.*2049 char"):
        check({"sdp": {"use_cases": "x" * 2049}})


def test_the_local_worker_refuses_what_managed_flink_would_not_have_taken() -> None:
    location = {"BucketARN": "arn:aws:s3:::b", "FileKey": "k"}
    content = {"CodeContentDescription": {"S3ApplicationCodeLocationDescription": location}}

    def described(properties: int) -> dict[str, object]:
        group = {"PropertyGroupId": "sdp", "PropertyMap": {f"p{n}": "v" for n in range(properties)}}
        return {
            "ApplicationName": "a",
            "ApplicationVersionId": 1,
            "ApplicationStatus": "RUNNING",
            "ApplicationConfigurationDescription": {
                "ApplicationCodeConfigurationDescription": content,
                "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": [group]},
            },
        }

    assert parse(described(50)).group("sdp")["p49"] == "v"
    with pytest.raises(PropertyGroupError, match="51 properties"):
        parse(described(51))
