"""The versions of a use case's model, and what the gate decided about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import UseCase
from glue.instants import to_wire
from lambdas.http import tokens
from lambdas.http.queries import NotFound
from lambdas.model_names import Names
from lambdas.ports.model_registry import ModelRegistry
from lambdas.ports.training import Document

FIGURES = ("log_loss", "auc", "calibration_error", "rows")
CHAMPION = ("champion", "champion_log_loss", "champion_auc")
MODELS = ("challenger", "champion", "baseline", "base_rate")
_STATUS = {"Approved": "former", "Rejected": "refused"}
_VERSION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class VersionsQuery(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=50, description="Maximum number of versions.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class EvaluationQuery(BaseModel):
    """There are no parameters."""

    model_config = ConfigDict(extra="forbid")


class ModelVersion(BaseModel):
    """A version with its figures, on rows that no model was trained on."""

    version: str = Field(description="Its name.")
    status: str = Field(description="`in service`, `former`, `refused` or `waiting`.")
    created_at: str = Field(description="When it was registered.")
    reason: str | None = Field(description="Why the gate decided so, shortened.")
    rows: int | None = Field(description="The rows that it was evaluated on.")
    log_loss: float | None = Field(description="Its log loss on them.")
    auc: float | None = Field(description="Its area under the ROC curve on them.")
    calibration_error: float | None = Field(description="Its calibration error on them.")
    champion: str | None = Field(description="The champion then; null if there was none.")
    champion_log_loss: float | None = Field(description="That champion's, on the same rows.")
    champion_auc: float | None = Field(description="That champion's, on the same rows.")


class ModelVersions(BaseModel):
    """A page of versions, the newest first."""

    versions: list[ModelVersion] = Field(description="The versions.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class Segment(BaseModel):
    """Rows with one value of the segment's column."""

    segment: str = Field(description="The value.")
    rows: int = Field(description="How many.")
    challenger: float = Field(description="The version's log loss on them.")
    reference: float = Field(description="The champion's, or that of the base rate without one.")
    gain: float = Field(description="How much less the version's is.")


class Evaluation(BaseModel):
    """What the gate decided about a version, and by which figures."""

    version: str = Field(description="The version.")
    decision: str = Field(description="`promote` or `refuse`.")
    reasons: list[str] = Field(description="Why.")
    rows: int = Field(description="Rows that no model was trained on; all models are on them.")
    from_: str | None = Field(alias="from", description="The time of the first.")
    through: str | None = Field(description="The time of the last.")
    models: dict[str, dict[str, float]] = Field(
        description="`challenger` is the version; `champion`, `baseline`, `base_rate` what it is "
        "compared with; each with its figures by name."
    )
    segment: str | None = Field(description="The column that rows are divided by.")
    segments: list[Segment] = Field(description="Where it is worst first.")


@dataclass(frozen=True)
class Models:
    """The models of a deployment."""

    registry: ModelRegistry
    prefix: str
    bucket: str

    def versions(self, use_case: UseCase, query: VersionsQuery) -> dict[str, Any]:
        """A page of versions."""
        names, question = self._names(use_case), ("models", use_case.name, query.limit)
        after = None
        if query.next is not None:
            (after,) = tokens.decode(query.next, question, 1)
        group, pointer = names.endpoint, names.champion
        found = self.registry.page(group, query.limit, after)
        champion = self.registry.document(pointer)
        return {
            "versions": [_row(version_of(package, champion)) for package in found.packages],
            "next": tokens.encode([found.next], question) if found.next else None,
        }

    def evaluation(self, use_case: UseCase, version: str) -> dict[str, Any]:
        """What the gate decided. Raises NotFound."""
        found = None
        if _VERSION.fullmatch(version):
            key = self._names(use_case).key(version, "evaluation.json")
            found = self.registry.document(key)
        if found is None:
            raise NotFound(
                f"{version[:80]!r} has no evaluation; /models/{use_case.name} lists the versions"
            )
        return _evaluation(version, found)

    def _names(self, use_case: UseCase) -> Names:
        if use_case.model is None:
            raise NotFound(f"{use_case.name} has no model")
        return Names(self.prefix, use_case.name, self.bucket)


def version_of(package: Document, champion: Mapping[str, Any] | None) -> dict[str, Any]:
    """A package of the registry as a version: its status, and the figures that it has."""
    version = package.get("ModelPackageDescription", "")
    status = _STATUS.get(package["ModelApprovalStatus"], "waiting")
    if champion and champion["version"] == version:
        status = "in service"
    metadata = package.get("CustomerMetadataProperties", {})
    known = {name: metadata[name] for name in (*FIGURES, *CHAMPION, "reason") if name in metadata}
    created = to_wire(package["CreationTime"].astimezone(UTC))
    return {"version": version, "status": status, "created_at": created, **known}


def _row(version: Mapping[str, Any]) -> dict[str, Any]:
    """With each field, figures as numbers."""
    texts = ("version", "status", "created_at", "reason", "champion")
    row: dict[str, Any] = {name: version.get(name) for name in texts}
    for name in ("log_loss", "auc", "calibration_error", "champion_log_loss", "champion_auc"):
        row[name] = float(version[name]) if name in version else None
    return {**row, "rows": int(version["rows"]) if "rows" in version else None}


def _evaluation(version: str, found: Mapping[str, Any]) -> dict[str, Any]:
    models = {name: _figures(found[name]) for name in MODELS if found.get(name)}
    segments = sorted(found.get("segments", ()), key=lambda segment: float(segment["gain"]))
    return {
        "version": version,
        "decision": found["decision"],
        "reasons": [str(reason) for reason in found["reasons"]],
        "rows": found["rows"],
        "from": found.get("from"),
        "through": found.get("through"),
        "models": models,
        "segment": found.get("segment"),
        "segments": [
            {
                "segment": str(each["segment"]),
                **{n: each[n] for n in ("rows", "challenger", "reference", "gain")},
            }
            for each in segments
        ],
    }


def _figures(model: Mapping[str, Any]) -> dict[str, float]:
    kinds = (int, float)
    return {n: v for n, v in model.items() if isinstance(v, kinds) and not isinstance(v, bool)}
