"""What functions and SageMaker may do with the lake's objects, its tables and its queries."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from glue.targets.lake import LakeTable
from infra.constructs.acknowledge import acknowledge
from infra.constructs.lake import QUERY_RESULTS, Lake


def allow(
    role: iam.IRole,
    actions: Iterable[str],
    resources: Iterable[str],
    conditions: dict[str, object] | None = None,
) -> None:
    """One statement of the role's policy."""
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=[*actions], resources=[*resources], conditions=conditions)
    )


def allow_named(
    role: iam.Role, actions: Iterable[str], service: str, kind: str, name: str, reason: str
) -> None:
    """Actions on this account's resources of a kind whose name begins so; `reason` for the `*`."""
    stack = cdk.Stack.of(role)
    arn = stack.format_arn(service=service, resource=kind, resource_name=name)
    allow(role, actions, [arn])
    shown = f"arn:<AWS::Partition>:{service}:{stack.region}:<AWS::AccountId>:{kind}/{name}"
    acknowledge(role, {f"IAM5[Resource::{shown}]": reason})


def read_objects(role: iam.Role, lake: Lake, *prefixes: str) -> None:
    """Read what lies below these prefixes; what is absent is said to be absent."""
    _allow_objects(role, "s3:GetObject", lake, prefixes)
    allow(
        role,
        ["s3:ListBucket"],
        [lake.bucket.bucket_arn],
        {"StringLike": {"s3:prefix": [f"{p}*" for p in prefixes]}},
    )
    allow(role, ["kms:Decrypt"], [lake.key.key_arn])


def write_objects(role: iam.Role, lake: Lake, *prefixes: str) -> None:
    """Put objects below these prefixes."""
    _allow_objects(role, "s3:PutObject", lake, prefixes)
    allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [lake.key.key_arn])


def _allow_objects(role: iam.Role, action: str, lake: Lake, prefixes: Iterable[str]) -> None:
    allow(role, [action], [lake.bucket.arn_for_objects(f"{p}*") for p in prefixes])
    arn = cdk.Stack.of(lake.bucket).export_value(lake.bucket.bucket_arn)
    name = cdk.Stack.of(role).resolve(arn)["Fn::ImportValue"]
    reason = "Files of this folder: their names are made as they are written."
    acknowledge(role, {f"IAM5[Resource::{name}/{p}*]": reason for p in prefixes})


def query_table(
    role: iam.Role, scope: cdk.Stack, lake: Lake, table: LakeTable, database: str, workgroup: str
) -> None:
    """Ask Athena about one table, in the use case's workgroup."""
    actions = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults")
    group = scope.format_arn(service="athena", resource="workgroup", resource_name=workgroup)
    allow(role, [f"athena:{action}" for action in actions], [group])
    catalog = [
        scope.format_arn(service="glue", resource="catalog"),
        scope.format_arn(service="glue", resource="database", resource_name=database),
        scope.format_arn(
            service="glue", resource="table", resource_name=f"{database}/{table.parquet}"
        ),
    ]
    allow(role, [f"glue:Get{noun}" for noun in ("Database", "Table", "Partitions")], catalog)
    results = f"{QUERY_RESULTS}{table.use_case}/"
    read_objects(role, lake, table.parquet_folder, table.compacted_folder, results)
    write_objects(role, lake, results)
    allow(role, ["s3:GetBucketLocation"], [lake.bucket.bucket_arn])
