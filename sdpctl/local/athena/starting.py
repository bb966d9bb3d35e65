"""StartQueryExecution's request: what it means, and what Athena refuses before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENGINE = "Athena engine version 3"
_DEFAULT_CATALOG = "AwsDataCatalog"


class Refusal(ValueError):
    """An InvalidRequestException; `code` is its AthenaErrorCode."""

    def __init__(self, message: str, code: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Request:
    """A query to run. `folder` is where its result goes and ends in a slash."""

    query: str
    parameters: tuple[str, ...]
    database: str
    catalog: str
    workgroup: str
    folder: str
    result_configuration: dict[str, Any]


def request(
    data: Mapping[str, Any], workgroups: Mapping[str, Any], catalogs: Mapping[str, Any]
) -> Request:
    """The request of these parameters; raises Refusal."""
    query = data.get("QueryString", "")
    if not query.strip():
        raise Refusal("QueryString must not be empty")
    name = data.get("WorkGroup", "primary")
    workgroup = workgroups.get(name)
    if workgroup is None:
        raise Refusal(f"WorkGroup {name} is not found.")
    if workgroup.get("State", "ENABLED") != "ENABLED":
        raise Refusal(f"WorkGroup {name} is disabled.")
    context = data.get("QueryExecutionContext") or {}
    results = _results(data.get("ResultConfiguration") or {}, name, workgroup)
    return Request(
        query,
        tuple(data.get("ExecutionParameters") or ()),
        (context.get("Database") or "default").strip("`").lower(),
        known_catalog(context.get("Catalog") or _DEFAULT_CATALOG, catalogs),
        name,
        results["OutputLocation"].rstrip("/") + "/",
        results,
    )


def configuration(name: str, workgroup: Mapping[str, Any]) -> dict[str, Any]:
    """A workgroup's configuration with Athena's defaults for what it was created without."""
    return {
        "EnforceWorkGroupConfiguration": name != "primary",
        "PublishCloudWatchMetricsEnabled": True,
        "RequesterPaysEnabled": False,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
        **(workgroup.get("Configuration") or {}),
    }


def known_catalog(name: str, catalogs: Mapping[str, Any]) -> str:
    """The catalog's own name; letters of either case are the same. Raises Refusal."""
    match = next((known for known in catalogs if known.lower() == name.lower()), None)
    if match is None:
        raise Refusal(f"Catalog {name} is not found")
    return match


def _results(own: dict[str, Any], name: str, workgroup: Mapping[str, Any]) -> dict[str, Any]:
    """Where results go: the workgroup decides if it enforces its configuration."""
    decided = configuration(name, workgroup)
    theirs = decided.get("ResultConfiguration") or {}
    enforced = decided["EnforceWorkGroupConfiguration"] and theirs.get("OutputLocation")
    chosen = theirs if enforced else {**theirs, **own}
    location = chosen.get("OutputLocation")
    if not location:
        raise Refusal(
            "No output location provided. An output location is required either through the "
            "Workgroup result configuration setting or as an API input."
        )
    if not location.startswith("s3://") or not location.removeprefix("s3://").split("/")[0]:
        raise Refusal(f"outputLocation is not a valid S3 path: {location}")
    return dict(chosen)
