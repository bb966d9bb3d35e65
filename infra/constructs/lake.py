"""The lake's bucket and its key: encrypted, versioned, private, over TLS only, kept by class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.streams import removal_policy
from infra.settings import Settings
from infra.topology import Topology

QUERY_RESULTS = "athena/"


class Lake(Construct):
    """`bucket` contains everything; each use case has its own folder in it."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description=f"{topology.prefix}: the lake",
            enable_key_rotation=True,
            removal_policy=removal_policy(settings),
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,  # one request to KMS for many objects
            versioned=True,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[*_rules(topology, settings)],
            server_access_logs_bucket=self._access_logs(settings),
            removal_policy=removal_policy(settings),
        )

    def allow(self, role: iam.Role, actions: Iterable[str], *folders: str, reason: str) -> None:
        """Grant S3 actions on the objects of folders (they end in `/`), and nothing beside them.

        `reason` says why the objects cannot be named one by one.
        """
        patterns = [f"{folder}*" for folder in folders]
        arns = [self.bucket.arn_for_objects(pattern) for pattern in patterns]
        role.add_to_policy(
            iam.PolicyStatement(actions=[f"s3:{action}" for action in actions], resources=arns)
        )
        resource = self.bucket.node.default_child
        assert isinstance(resource, cdk.CfnElement)
        name = cdk.Stack.of(self).get_logical_id(resource)
        acknowledge(role, {f"IAM5[Resource::<{name}.Arn>/{p}]": reason for p in patterns})

    def _access_logs(self, settings: Settings) -> s3.Bucket:
        logs = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # the only kind S3 writes its logs with
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[_expire("access-logs", "", settings.log_retention_days)],
            removal_policy=removal_policy(settings),
        )
        acknowledge(logs, {"S1": "These are the access logs."})
        return logs


def _rules(topology: Topology, settings: Settings) -> Iterator[s3.LifecycleRule]:
    yield s3.LifecycleRule(
        id="replaced",
        noncurrent_version_expiration=cdk.Duration.days(settings.lake_replaced_days),
        expired_object_delete_marker=True,
        abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
    )
    yield _expire("query-results", QUERY_RESULTS, settings.athena_result_days)
    kept = {
        "raw": settings.lake_raw_days,
        "parquet": settings.lake_parquet_days,
        "compacted": settings.lake_parquet_days,
        "errors": settings.lake_error_days,
    }
    for use_case in topology.catalog.use_cases:
        for kind, days in kept.items():
            if days is not None:
                yield _expire(f"{use_case.name}-{kind}", f"{use_case.name}/{kind}/", days)


def _expire(name: str, prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=name, prefix=prefix or None, expiration=cdk.Duration.days(days))
