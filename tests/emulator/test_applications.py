"""Which applications the control plane has, while stacks come and change."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sdpctl.local import applications
from sdpctl.settings import Settings
from tests.emulator.conftest import Client

CODE = {
    "BucketARN": "arn:aws:s3:::code",
    "FileKey": "code.zip",
}
PATIENCE = {"Delay": 1, "MaxAttempts": 60}


def _template(*names: str) -> str:
    """A stack with these applications."""
    code = {"S3ContentLocation": CODE}
    content = {"CodeContent": code, "CodeContentType": "ZIPFILE"}
    return json.dumps(
        {
            "Resources": {
                name: {
                    "Type": "AWS::KinesisAnalyticsV2::Application",
                    "Properties": {
                        "ApplicationName": f"listed-{name}",
                        "RuntimeEnvironment": "FLINK-2_3",
                        "ServiceExecutionRole": "arn:aws:iam::000000000000:role/listed",
                        "ApplicationConfiguration": {"ApplicationCodeConfiguration": content},
                    },
                }
                for name in names
            }
        }
    )


@pytest.fixture
def stack(settings: Settings, client: Client) -> Iterator[str]:
    """The name of a stack of the platform with one application, which is removed at the end."""
    name, stacks = f"{settings.stage}-listed", client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=_template("one"))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=PATIENCE)
    yield name
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=PATIENCE)


def _listed(settings: Settings) -> list[str]:
    found = (application.name for application in applications.applications(settings))
    return [name for name in found if name.startswith("listed-")]


def test_an_application_that_a_second_update_adds_is_there(
    settings: Settings, client: Client, stack: str
) -> None:
    """The stack's status is then what it was before."""
    stacks, names = client("cloudformation"), ["one"]
    for number in ("two", "three"):
        names.append(number)
        stacks.update_stack(StackName=stack, TemplateBody=_template(*names))
        stacks.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=PATIENCE)
        assert _listed(settings) == sorted(f"listed-{name}" for name in names)
