"""CloudFormation and a Kinesis stream that exists: refused, or imported with its records.

The emulator would create it again, empty, in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ministack.services import kinesis
from ministack.services.cloudformation import changesets, provisioners

TYPE = "AWS::Kinesis::Stream"

REPLACED: dict[Callable[..., Any], list[str]] = {
    provisioners._kinesis_stream_create: ["logical_id", "props", "stack_name"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    kinesis: ("_streams",),
    changesets: ("_IMPORT_LOOKUPS",),
    provisioners: ("_RESOURCE_HANDLERS",),
}
_create = provisioners._kinesis_stream_create


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[TYPE] = {**handlers[TYPE], "create": _create_stream, "import": _import}
    changesets._IMPORT_LOOKUPS[TYPE] = (("Name",), _problem)


def _create_stream(logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
    name = props.get("Name")
    if name in kinesis._streams:
        raise ValueError(f"{name} already exists in stack or account")
    return _create(logical_id, props, stack_name)


def _problem(name: str) -> str | None:
    """Why a stream cannot be imported."""
    return None if name in kinesis._streams else f"Stream {name} does not exist."


def _import(identifier: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    name = identifier["Name"]
    return name, {"Arn": kinesis._streams[name]["StreamARN"]}
