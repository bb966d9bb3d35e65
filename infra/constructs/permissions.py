"""Permissions of functions and SageMaker on the lake's objects, tables and queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from glue.targets.lake import LakeTable
from infra.constructs.acknowledge import acknowledge
from infra.constructs.lake import QUERY_RESULTS, Lake

_CATALOG = (
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
)


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
    role: iam.Role,
    actions: Iterable[str],
    service: str,
    kind: str,
    name: str,
    reason: str,
    arn_format: cdk.ArnFormat = cdk.ArnFormat.SLASH_RESOURCE_NAME,
) -> None:
    """Actions on this account's resources of a kind whose name begins so; `reason` for the `*`."""
    stack = cdk.Stack.of(role)
    arn = stack.format_arn(
        service=service, resource=kind, resource_name=name, arn_format=arn_format
    )
    allow(role, actions, [arn])
    between = "/" if arn_format is cdk.ArnFormat.SLASH_RESOURCE_NAME else ":"
    shown = f"arn:<AWS::Partition>:{service}:{stack.region}:<AWS::AccountId>:{kind}{between}{name}"
    acknowledge(role, {f"IAM5[Resource::{shown}]": reason})


def read_objects(role: iam.Role, lake: Lake, *prefixes: str) -> None:
    """Read the objects with these prefixes.

    Keys may be listed everywhere: S3 answers 403 instead of 404 for an object that does not exist
    unless its bucket may be listed, and the request for an object has no prefix to restrict.
    """
    _allow_objects(role, ["s3:GetObject"], lake, prefixes)
    list_objects(role, lake)
    allow(role, ["kms:Decrypt"], [lake.key.key_arn])


def read_models(role: iam.Role, lake: Lake, use_case: str) -> None:
    """Read the use case's models, whose names are known from their versions."""
    _allow_objects(role, ["s3:GetObject"], lake, [f"models/{use_case}/"])
    allow(role, ["kms:Decrypt"], [lake.key.key_arn])


def list_objects(role: iam.Role, lake: Lake) -> None:
    """List the keys of the lake's bucket; that reads no object."""
    allow(role, ["s3:ListBucket"], [lake.bucket.bucket_arn])


def write_objects(role: iam.Role, lake: Lake, *prefixes: str) -> None:
    """Put objects with these prefixes."""
    _allow_objects(role, ["s3:PutObject"], lake, prefixes)
    allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [lake.key.key_arn])


def _allow_objects(
    role: iam.Role, actions: Iterable[str], lake: Lake, prefixes: Iterable[str]
) -> None:
    allow(role, actions, [lake.bucket.arn_for_objects(f"{p}*") for p in prefixes])
    arn = cdk.Stack.of(lake.bucket).export_value(lake.bucket.bucket_arn)
    name = cdk.Stack.of(role).resolve(arn)["Fn::ImportValue"]
    reason = "Files of this folder: their names are generated when they are written."
    acknowledge(role, {f"IAM5[Resource::{name}/{p}*]": reason for p in prefixes})


def query_table(
    role: iam.Role, scope: cdk.Stack, lake: Lake, table: LakeTable, database: str, workgroup: str
) -> None:
    """Query one table by Athena, in the use case's workgroup."""
    query_tables(role, scope, lake, [table], database, workgroup)


def query_tables(
    role: iam.Role,
    scope: cdk.Stack,
    lake: Lake,
    tables: Sequence[LakeTable],
    database: str,
    workgroup: str,
) -> None:
    """Query some tables of one use case by Athena, in the use case's workgroup.

    Athena reads catalog and files, and writes the result, with the permissions of its caller.
    """
    actions = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")
    group = scope.format_arn(service="athena", resource="workgroup", resource_name=workgroup)
    allow(role, [f"athena:{action}" for action in actions], [group])
    catalog = [
        scope.format_arn(service="glue", resource="catalog"),
        scope.format_arn(service="glue", resource="database", resource_name=database),
        *(
            scope.format_arn(
                service="glue", resource="table", resource_name=f"{database}/{table.parquet}"
            )
            for table in tables
        ),
    ]
    allow(role, _CATALOG, catalog)
    results = f"{QUERY_RESULTS}{tables[0].use_case}/"
    read_objects(role, lake, *(table.any_folder for table in tables), results)
    write_objects(role, lake, results)
    _allow_objects(
        role, ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], lake, [results]
    )
    allow(role, ["s3:GetBucketLocation"], [lake.bucket.bucket_arn])
