"""The model registry: groups of model packages, each with a version and an approval."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sdpctl.local.sagemaker.errors import invalid
from sdpctl.local.sagemaker.resources import Account, moment, only, page
from sdpctl.local.sagemaker.store import Document, Store

GROUP, PACKAGE = "model-package-group", "model-package"


class Registry:
    """Packages are named by their ARN; versions count up within a group."""

    def __init__(self, store: Store, account: Account) -> None:
        self._store, self._account = store, account
        self._lock = threading.Lock()

    @property
    def calls(self) -> dict[str, Callable[[Document], Document]]:
        """By their names in the API."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list,
            "UpdateModelPackage": self.update,
        }

    def create_group(self, request: Document) -> Document:
        """An empty group."""
        name = request["ModelPackageGroupName"]
        arn = self._account.arn(GROUP, name)
        group = {
            **request,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": moment(),
            "CreatedBy": {},
        }
        if not self._store.create(GROUP, name, group):
            raise invalid(f"Model Package Group already exists: {arn}")
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, request: Document) -> Document:
        """The group, by name or ARN."""
        name = str(request.get("ModelPackageGroupName")).rpartition("/")[2]
        group = self._store.get(GROUP, name)
        if group is None:
            arn = self._account.arn(GROUP, name)
            raise invalid(f"ModelPackageGroup {arn} does not exist.")
        return group

    def list_groups(self, request: Document) -> Document:
        """All groups."""
        names = ("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupStatus")
        return page(
            self._store.all(GROUP),
            request,
            "ModelPackageGroupSummaryList",
            lambda g: only(g, *names, "ModelPackageGroupDescription", "CreationTime"),
        )

    def create(self, request: Document) -> Document:
        """A new version; a request repeated with its ClientToken is answered with the first."""
        group = self.describe_group(request)["ModelPackageGroupName"]
        approval = request.get("ModelApprovalStatus", "PendingManualApproval")
        with self._lock:
            others = [p for p in self._store.all(PACKAGE) if p["ModelPackageGroupName"] == group]
            token = request.get("ClientToken")
            for other in others:
                if token and other.get("ClientToken") == token:
                    return {"ModelPackageArn": other["ModelPackageArn"]}
            version = 1 + max((p["ModelPackageVersion"] for p in others), default=0)
            arn = self._account.arn(PACKAGE, f"{group}/{version}")
            package = {
                **request,
                "ModelPackageName": group,
                "ModelPackageGroupName": group,
                "ModelPackageArn": arn,
                "ModelPackageVersion": version,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": []},
                "ModelApprovalStatus": approval,
                "CreationTime": moment(),
            }
            self._store.put(PACKAGE, arn, package)
        return {"ModelPackageArn": arn}

    def describe(self, request: Document) -> Document:
        """The package of an ARN."""
        arn = str(request.get("ModelPackageName") or request.get("ModelPackageArn"))
        package = self._store.get(PACKAGE, arn)
        if package is None:
            raise invalid(f"ModelPackage {arn} does not exist.")
        return {k: v for k, v in package.items() if k != "ClientToken"}

    def list(self, request: Document) -> Document:
        """Summaries, newest first; group and approval choose."""
        group, approval = request.get("ModelPackageGroupName"), request.get("ModelApprovalStatus")
        packages = [
            package
            for package in self._store.all(PACKAGE)
            if group in (None, package["ModelPackageGroupName"])
            and approval in (None, package["ModelApprovalStatus"])
        ]
        return page(packages, request, "ModelPackageSummaryList", _summary)

    def update(self, request: Document) -> Document:
        """Change approval, its description, and metadata."""
        package = self.describe(request)
        changes = only(request, "ModelApprovalStatus", "ApprovalDescription")
        metadata = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for name in request.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(name, None)
        self._store.change(
            PACKAGE,
            package["ModelPackageArn"],
            **changes,
            CustomerMetadataProperties=metadata,
            LastModifiedTime=moment(),
        )
        return {"ModelPackageArn": package["ModelPackageArn"]}


def _summary(package: Document) -> Document:
    names = ("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn")
    more = ("CreationTime", "ModelPackageStatus", "ModelApprovalStatus", "ModelPackageDescription")
    return only(package, *names, *more)
