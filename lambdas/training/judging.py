"""The verdict of the evaluation: stored beside the model and in the registry."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from glue.errors import PlatformError
from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names
from lambdas.ports.training import Document, Models
from lambdas.training.archives import members
from lambdas.training.jobs import EVALUATE

_KEPT = {
    "evaluation.json": "application/json",
    "evaluation.html": "text/html",
    "fallback.json": "application/json",
    "metadata.json": "application/json",
    "model.onnx": "application/octet-stream",
    "metrics.json": "application/json",
    "reference.json": "application/json",
}
_NOT_TAKEN = re.compile(r"[^\w\s.:/=+\-@]")
REASONS, REASON = 20, 500  # the number of reasons, and the length of one
_FIGURES = ("log_loss", "auc", "calibration_error", "brier")


class JudgingError(PlatformError):
    """The evaluation left no readable report."""


def judge(
    models: Models, objects: Objects, names: Names, version: str, image: str
) -> dict[str, Any]:
    """Store the report and the model's figures, register the package. Returns decision and reasons.

    A refused model is registered as well, as Rejected: it is part of the history.
    """
    report = content(objects, names.job_output(version, EVALUATE))
    kept = _keep(objects, names, version, report)
    _keep(objects, names, version, content(objects, names.key(version, "model.tar.gz")))
    if kept.get("evaluation.json") is None:
        raise JudgingError(f"{version}: the evaluation left no evaluation.json")
    evaluation = json.loads(kept["evaluation.json"])
    promote = evaluation["decision"] == "promote"
    models.create_group(names.endpoint)
    arn = models.create_package(package(names, version, image, evaluation))
    return {
        "promote": promote,
        "reasons": bounded(evaluation["reasons"]),
        "package_arn": arn,
        "evaluation": names.uri(names.key(version, "evaluation.json")),
    }


def package(names: Names, version: str, image: str, evaluation: Document) -> dict[str, Any]:
    """The CreateModelPackage request of a version: pending approval unless it is refused."""
    refused = evaluation["decision"] != "promote"
    report = names.uri(names.key(version, "evaluation.json"))
    return {
        "ModelPackageGroupName": names.endpoint,
        "ModelPackageDescription": version,
        "ModelApprovalStatus": "Rejected" if refused else "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [
                {"Image": image, "ModelDataUrl": names.uri(names.key(version, "model.tar.gz"))}
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": report}}
        },
        "CustomerMetadataProperties": {
            "version": version,
            "decision": str(evaluation["decision"]),
            "reason": plain(" / ".join(map(str, evaluation["reasons"]))) or "none given",
            **_figures(evaluation),
        },
        "ClientToken": _token(names.resource(version)),
    }


def bounded(reasons: Sequence[object]) -> list[str]:
    """The first reasons, shortened: states pass 256 KiB at most. The report has them all."""
    kept = [str(reason)[:REASON] for reason in reasons[:REASONS]]
    more = len(reasons) - len(kept)
    return [*kept, f"and {more} more: see the evaluation"] if more else kept


def plain(text: str) -> str:
    """A value that the registry accepts: letters, digits, spaces and _.:/=+-@, at most 256.

    Source: SageMaker's API reference, CustomerMetadataProperties. The whole text is in the report.
    """
    kept = _NOT_TAKEN.sub("", text.replace("%", " percent"))
    return " ".join(kept.split())[:256].strip()


def _token(name: str) -> str:
    """A token of at most 36 characters, derived from the name."""
    return hashlib.sha256(name.encode()).hexdigest()[:36]


def _figures(evaluation: Document) -> dict[str, str]:
    """The figures of the challenger, and of the champion on the same rows."""
    champion = evaluation.get("champion") or {}
    figures = {"rows": str(evaluation.get("rows", 0))}
    for prefix, model in (("", evaluation.get("challenger") or {}), ("champion_", champion)):
        figures |= {f"{prefix}{n}": f"{model[n]:.6f}" for n in _FIGURES if n in model}
    if champion:
        figures["champion"] = plain(str(champion["model_version"]))
    return figures


def _keep(objects: Objects, names: Names, version: str, archive: bytes | None) -> dict[str, bytes]:
    """Copy the readable files of an archive to the model's folder; none of a corrupt archive."""
    kept = members(archive, _KEPT) if archive else {}
    for name, file in kept.items():
        objects.write(names.key(version, name), file, _KEPT[name])
    return kept
