"""The environment as a model: each function has only the settings it needs, looked up by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import usecases
from glue import PlatformError
from glue.parameters import parse_duration


class SettingsError(PlatformError):
    """A setting in the function's environment is missing or invalid."""


@dataclass(frozen=True)
class Settings:
    """The settings that a deployment passes to its functions.

    use_cases: the deployed ones. streams: "use case/stream" → Kinesis stream name. tables:
    "use case/report path" → DynamoDB table name. parameters: `Name` or `use_case.Name` → value.
    databases: use case → Glue database, of the files in `lake_bucket`. compaction: its limits, by
    name. retention: how long the streams keep a record. queues: destination of actions → URL of
    its queue. actions: what is sent and to whom, by name. audited: use cases with a ledger.
    """

    use_cases: tuple[str, ...] = usecases.NAMES
    streams: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    progress_table: str = ""
    ledger_table: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    lake_bucket: str = ""
    databases: Mapping[str, str] = field(default_factory=dict)
    compaction: Mapping[str, str] = field(default_factory=dict)
    retention: timedelta = timedelta(days=1)
    queues: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    audited: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the `SDP_…` variables. Raises SettingsError with the name of an invalid one."""
        variables = os.environ if environment is None else environment
        return cls(
            use_cases=_use_cases(variables, "SDP_USE_CASES"),
            streams=_mapping(variables, "SDP_STREAMS"),
            tables=_mapping(variables, "SDP_TABLES"),
            progress_table=variables.get("SDP_PROGRESS_TABLE", ""),
            ledger_table=variables.get("SDP_LEDGER_TABLE", ""),
            parameters=_mapping(variables, "SDP_PARAMETERS"),
            lake_bucket=variables.get("SDP_LAKE_BUCKET", ""),
            databases=_mapping(variables, "SDP_LAKE_DATABASES"),
            compaction=_mapping(variables, "SDP_COMPACTION"),
            retention=_duration(variables, "SDP_RETENTION", "P1D"),
            queues=_mapping(variables, "SDP_QUEUES"),
            actions=_mapping(variables, "SDP_ACTIONS"),
            audited=tuple(filter(None, variables.get("SDP_AUDITED", "").split(","))),
        )

    def stream(self, use_case: str, stream: str) -> str:
        """The Kinesis stream's name. Raises SettingsError if this function does not have it."""
        return _named(self.streams, f"{use_case}/{stream}", "SDP_STREAMS")

    def table(self, use_case: str, path: str) -> str:
        """The DynamoDB table's name. Raises SettingsError if this function does not have it."""
        return _named(self.tables, f"{use_case}/{path}", "SDP_TABLES")

    def action(self, name: str) -> str:
        """A setting of actions. Raises SettingsError if this function does not have it."""
        return _named(self.actions, name, "SDP_ACTIONS")


def _named(mapping: Mapping[str, str], key: str, variable: str) -> str:
    try:
        return mapping[key]
    except KeyError:
        raise SettingsError(f"{variable} has no {key!r}; it has {sorted(mapping)}") from None


def _use_cases(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    try:
        return usecases.chosen(environment.get(variable, ",".join(usecases.NAMES)))
    except ValueError as error:
        raise SettingsError(f"{variable}={environment[variable]}: {error}") from error


def _duration(environment: Mapping[str, str], variable: str, default: str) -> timedelta:
    try:
        return parse_duration(environment.get(variable, default))
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from error


def _mapping(environment: Mapping[str, str], variable: str) -> dict[str, str]:
    try:
        value: Any = json.loads(environment.get(variable, "{}"))
    except ValueError as error:
        raise SettingsError(f"{variable} is not JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise SettingsError(f"{variable} is {value!r}; it must be a JSON object of strings")
    return value
