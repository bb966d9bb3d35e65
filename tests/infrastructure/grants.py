"""What the roles in a template are allowed: actions, and resources as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.infrastructure.conftest import Template


class Grant(NamedTuple):
    """One action on one resource; names of resources and exports are in braces."""

    action: str
    resource: str
    conditional: bool = False


@dataclass(frozen=True)
class Role:
    """A role of a template, and who assumes it."""

    template: Template
    name: str
    service: str
    managed: bool

    @property
    def grants(self) -> set[Grant]:
        """Every action on every resource that its policies allow."""
        return {
            Grant(action, text(resource), "Condition" in statement)
            for policy in self.template.policies.values()
            if {"Ref": self.name} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    def on(self, action: str) -> set[str]:
        """The resources on which the action is allowed."""
        return {grant.resource for grant in self.grants if grant.action == action}


def roles(template: Template) -> Iterator[Role]:
    """The roles of a template."""
    for name, resource in template.all("AWS::IAM::Role").items():
        properties = resource["Properties"]
        (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
        managed = bool(properties.get("ManagedPolicyArns"))
        yield Role(template, name, statement["Principal"]["Service"], managed)


def role_of(template: Template, function: dict[str, Any]) -> Role:
    """The role that a function has."""
    name = function["Role"]["Fn::GetAtt"][0]
    return next(role for role in roles(template) if role.name == name)


def text(value: Any) -> str:
    """A value of a template; what is known at deployment only is a name in braces."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"{{{name}}}"
        case {"Fn::GetAtt": [name, *_]}:
            return f"{{{name}}}"
        case {"Fn::ImportValue": name}:
            return f"{{{name}}}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Fn::Sub": form}:
            return str(form)
    raise AssertionError(f"a form of value that is not read here: {value}")


def listed(value: Any) -> list[Any]:
    """A policy has one thing as itself, several as a list."""
    return value if isinstance(value, list) else [value]
