"""Managed Flink's property groups: an application's settings, within the limits of the service.

Each use case has a group of its own for its streams, so that the number of use cases does not
count against the 50 properties of a group. May not import aws_cdk: the local worker checks by it.

https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_PropertyGroup.html
"""

from __future__ import annotations

from collections.abc import Mapping

from glue import PlatformError
from glue.parameters import is_parameter

GROUP = "sdp"
MAX_PROPERTIES = 50
MAX_GROUPS = 50
MAX_LENGTH = 2048  # characters of a key and of a value

Groups = Mapping[str, Mapping[str, str]]


class PropertyGroupError(PlatformError):
    """Managed Flink would refuse the application's properties."""


def split(properties: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The properties in groups: `sdp`, and `sdp.<use case>` for what belongs to one use case.

    That is its streams (`stream.<use case>.<stream>`) and its parameters (`<use case>.<Name>`).
    """
    groups: dict[str, dict[str, str]] = {}
    for key, value in properties.items():
        groups.setdefault(_group(key), {})[key] = value
    return groups


def _group(key: str) -> str:
    first, *rest = key.split(".")
    if first == "stream":
        return f"{GROUP}.{rest[0]}"
    return f"{GROUP}.{first}" if rest and is_parameter(key) else GROUP


def check(groups: Groups) -> None:
    """Raise PropertyGroupError for properties that the service refuses."""
    if len(groups) > MAX_GROUPS:
        raise PropertyGroupError(
            f"{len(groups)} property groups, one for each use case; Managed Flink accepts at most "
            f"{MAX_GROUPS}: deploy fewer use cases in one application"
        )
    for name, properties in groups.items():
        _check_group(name, properties)


def _check_group(name: str, properties: Mapping[str, str]) -> None:
    if not 1 <= len(properties) <= MAX_PROPERTIES:
        raise PropertyGroupError(
            f"property group {name!r} has {len(properties)} properties; Managed Flink accepts 1 to "
            f"{MAX_PROPERTIES}: {_remedy(name)}"
        )
    for key, value in properties.items():
        if not (1 <= len(key) <= MAX_LENGTH and 1 <= len(value) <= MAX_LENGTH):
            raise PropertyGroupError(
                f"property {key!r} of group {name!r} has a value of {len(value)} characters; "
                f"Managed Flink accepts 1 to {MAX_LENGTH}"
            )


def _remedy(name: str) -> str:
    use_case = name.removeprefix(f"{GROUP}.")
    if use_case == name:
        return "remove parameters"
    return f"give the use case {use_case!r} fewer streams, or make two use cases of it"
