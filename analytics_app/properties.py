"""What is given to the application from outside: the runtime's property groups, checked once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glue import PlatformError
from glue.parameters import is_parameter

GROUP = "sdp"
_DEFINITIONS = "definitions."
DEFAULT_PATH = "/etc/flink/application_properties.json"
# Set to 1 by a program whose cluster ends with main(): the local worker, a backfill, tests.
# An environment variable, because Managed Flink has no way to set one: there main() never waits.
AWAIT_VARIABLE = "SDP_AWAIT_RESULT"


class PropertiesError(PlatformError):
    """The application's properties are missing, or one of them cannot be used."""


@dataclass(frozen=True)
class Properties:
    """The property group `sdp`, and those of the use cases, `sdp.<use case>`, with their streams.

    `parameters` are the deployment's, by `Name` or `use_case.Name`; the catalog checks them.
    `streams` maps (use case, stream) to the stream's ARN, `definitions` a use case to the DynamoDB
    table of its definitions. `connector` is `kinesis`, or `files` for a run over NDJSON files below
    `files_path`, which is how tests and benchmarks run the package.
    """

    use_cases: tuple[str, ...]
    region: str
    parameters: Mapping[str, str]
    streams: Mapping[tuple[str, str], str]
    connector: str = "kinesis"
    files_path: str = ""
    files_kept: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Properties:
        """The properties in a runtime's file: a JSON list of groups.

        Raises PropertiesError naming the file or the property.
        """
        try:
            groups = json.loads(path.read_text())
            by_id = {g["PropertyGroupId"]: g["PropertyMap"] for g in groups}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise PropertiesError(f"{path}: not a file of property groups: {error}") from error
        if GROUP not in by_id:
            raise PropertiesError(f"{path}: no group {GROUP!r}; groups: {sorted(by_id)}")
        ours = [g for g in sorted(by_id) if g == GROUP or g.startswith(f"{GROUP}.")]
        return cls.parse({key: value for g in ours for key, value in by_id[g].items()})

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Properties:
        """The properties from the group's own map."""
        names = _names(values.get("use_cases", ""))
        if not names:
            raise PropertiesError("use_cases: names no use case")
        return cls(
            use_cases=names,
            region=values.get("region", ""),
            parameters={k: v for k, v in values.items() if is_parameter(k)},
            streams=_streams(values),
            connector=values.get("connector", "kinesis"),
            files_path=values.get("files.path", ""),
            files_kept=_names(values.get("files.kept", "")),
            definitions=_definitions(values),
        )


def awaits_result(environ: Mapping[str, str]) -> bool:
    """Whether main() waits until its job ends, and fails if the job fails.

    Raises PropertiesError for a value other than 0 or 1.
    """
    value = environ.get(AWAIT_VARIABLE, "0")
    if value not in ("0", "1"):
        raise PropertiesError(f"{AWAIT_VARIABLE}={value!r} must be 0 or 1")
    return value == "1"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _streams(values: Mapping[str, str]) -> dict[tuple[str, str], str]:
    streams = {}
    for key, arn in values.items():
        if key.startswith("stream."):
            use_case, _, stream = key.removeprefix("stream.").partition(".")
            streams[use_case, stream] = arn
    return streams


def _definitions(values: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(_DEFINITIONS): table
        for key, table in values.items()
        if key.startswith(_DEFINITIONS)
    }
