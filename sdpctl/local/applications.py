"""What should run, by Managed Flink's control plane."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from infra import property_groups
from sdpctl.local import aws
from sdpctl.local.deploy import stack_versions
from sdpctl.settings import Settings

SHOULD_RUN = {"STARTING", "RUNNING", "UPDATING", "AUTOSCALING"}


@dataclass(frozen=True)
class Application:
    """One version of a Managed Flink application; `created` is when it was, not this version.

    `drops_state`: it starts without the state that none of its operators has.
    """

    name: str
    version: int
    should_run: bool
    bucket: str
    key: str
    parallelism: int
    properties: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    created: str = ""
    drops_state: bool = False

    def program(self) -> dict[str, str]:
        """The run options: which file to run, which jar it needs."""
        return self.group("kinesis.analytics.flink.run.options")

    def group(self, name: str) -> dict[str, str]:
        """A property group; empty if there is none of that name."""
        return {group: dict(pairs) for group, pairs in self.properties}.get(name, {})

    @property
    def use_cases(self) -> list[str]:
        """The use cases that it runs."""
        names = self.group(property_groups.GROUP).get("use_cases", "")
        return [name.strip() for name in names.split(",") if name.strip()]

    def properties_json(self) -> str:
        """The content of application_properties.json."""
        groups = [{"PropertyGroupId": n, "PropertyMap": dict(p)} for n, p in self.properties]
        return json.dumps(groups, indent=2)


def applications(settings: Settings) -> list[Application]:
    """Every application of the control plane, as it is described now."""
    flink = aws.client(settings, "kinesisanalyticsv2")
    details = [flink.describe_application(ApplicationName=name) for name in _names(settings)]
    return [parse(d["ApplicationDetail"]) for d in details]


def start(settings: Settings, name: str) -> None:
    """Ask the control plane to start an application; one that is on its way is left alone."""
    flink = aws.client(settings, "kinesisanalyticsv2")
    with suppress(flink.exceptions.ResourceInUseException):
        flink.start_application(ApplicationName=name, RunConfiguration={})


def _names(settings: Settings) -> list[str]:
    """From the deployed stacks, because the emulator knows no ListApplications."""
    versions = stack_versions(settings)
    if any(status.endswith("IN_PROGRESS") for _, status, _ in versions):
        return _list_applications(settings, versions)  # its resources come one by one
    return _applications_of(settings, versions)


@lru_cache(maxsize=1)
def _applications_of(settings: Settings, versions: frozenset[tuple[str, str, str]]) -> list[str]:
    """Read again only when a stack was created, deleted or changed: the answer is long."""
    return _list_applications(settings, versions)


def _list_applications(settings: Settings, versions: frozenset[tuple[str, str, str]]) -> list[str]:
    stacks = aws.client(settings, "cloudformation")
    resources = [
        resource
        for name, _, _ in versions
        for resource in stacks.describe_stack_resources(StackName=name)["StackResources"]
    ]
    found = [r for r in resources if r["ResourceType"] == "AWS::KinesisAnalyticsV2::Application"]
    return sorted(r["PhysicalResourceId"] for r in found)


def unpack(settings: Settings, application: Application, folder: Path) -> None:
    """Download the application's zip from S3 and unzip it into an empty folder."""
    fetch(aws.client(settings, "s3"), application, folder)


def fetch(s3: Any, application: Application, folder: Path) -> None:
    """The same by a given client of S3."""
    body = s3.get_object(Bucket=application.bucket, Key=application.key)["Body"].read()
    with zipfile.ZipFile(BytesIO(body)) as archive:
        archive.extractall(folder)


def parse(detail: dict[str, Any]) -> Application:
    """An application as DescribeApplication returns it.

    Raises PropertyGroupError for one that Managed Flink would not have taken.
    """
    configuration = detail["ApplicationConfigurationDescription"]
    content = configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
    location = content["S3ApplicationCodeLocationDescription"]
    groups = configuration.get("EnvironmentPropertyDescriptions", {})
    flink = configuration.get("FlinkApplicationConfigurationDescription", {})
    run = configuration.get("RunConfigurationDescription", {})
    described = groups.get("PropertyGroupDescriptions", [])
    property_groups.check({g["PropertyGroupId"]: g["PropertyMap"] for g in described})
    parallelism = flink.get("ParallelismConfigurationDescription", {}).get("Parallelism", 1)
    return Application(
        name=detail["ApplicationName"],
        version=detail["ApplicationVersionId"],
        should_run=detail["ApplicationStatus"] in SHOULD_RUN,
        bucket=location["BucketARN"].rsplit(":", 1)[-1],
        key=location["FileKey"],
        parallelism=parallelism,
        properties=tuple(
            (g["PropertyGroupId"], tuple(sorted(g["PropertyMap"].items()))) for g in described
        ),
        created=str(detail.get("CreateTimestamp", "")),
        drops_state=run.get("FlinkRunConfigurationDescription", {}).get(
            "AllowNonRestoredState", False
        ),
    )
