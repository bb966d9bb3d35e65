"""A secret that CloudFormation generates has the kinds of characters that its template allows."""

from __future__ import annotations

import json
import re

import pytest

from tests.emulator.conftest import Client


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        ({"ExcludePunctuation": True}, "[A-Za-z0-9]"),
        ({"ExcludePunctuation": "true", "ExcludeUppercase": True}, "[a-z0-9]"),
        (
            {"ExcludeLowercase": True, "ExcludeNumbers": True, "ExcludeCharacters": "AB"},
            "[^a-z0-9AB]",
        ),
    ],
)
def test_a_generated_secret(client: Client, flags: dict[str, object], allowed: str) -> None:
    name = f"generated-{len(flags)}-{len(allowed)}"
    generated = {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "current",
        "PasswordLength": 64,
        **flags,
    }
    properties = {"Name": name, "GenerateSecretString": generated}
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": properties}
    cloudformation = client("cloudformation")
    template = json.dumps({"Resources": {"Secret": secret}})
    cloudformation.create_stack(StackName=name, TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    found = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    assert re.fullmatch(f"{allowed}{{64}}", json.loads(found)["current"]), found
