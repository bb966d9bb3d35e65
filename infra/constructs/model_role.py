"""The role SageMaker runs jobs and endpoints in: the rows, the models, its logs, and no more."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from glue.targets.lake import LakeTable
from infra.constructs.acknowledge import acknowledge
from infra.constructs.lake import Lake
from infra.constructs.permissions import allow, read_objects, write_objects
from infra.images import Image

_PLAIN = cdk.ArnFormat.NO_RESOURCE_NAME
_PULL = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
_LOGS = ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")


class ModelRole(Construct):
    """`models` is the key prefix of the use case's models."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        lake: Lake,
        table: LakeTable,
        models: str,
        code: s3_assets.Asset,
        image: Image,
    ) -> None:
        super().__init__(scope, id_)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description="Permissions of training jobs and the endpoint",
        )
        read_objects(self.role, lake, table.parquet_folder, table.compacted_folder, models)
        write_objects(self.role, lake, models)
        archive = code.bucket.arn_for_objects(code.s3_object_key)
        allow(self.role, ["s3:GetObject"], [archive])
        self._logs()
        allow(self.role, [f"ecr:{action}" for action in _PULL], [image.repository_arn])
        allow(self.role, ["ecr:GetAuthorizationToken"], ["*"])
        allow(
            self.role,
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        )

    def _logs(self) -> None:
        stack, name = cdk.Stack.of(self), "log-group:/aws/sagemaker/*"
        arn = stack.format_arn(service="logs", resource=name, arn_format=_PLAIN)
        allow(self.role, [f"logs:{action}" for action in _LOGS], [arn])
        shown = f"arn:<AWS::Partition>:logs:{stack.region}:<AWS::AccountId>:{name}"
        acknowledge(
            self.role,
            {
                f"IAM5[Resource::{shown}]": "SageMaker names the log groups of jobs.",
                "IAM5[Resource::*]": (
                    "ecr:GetAuthorizationToken and cloudwatch:PutMetricData have no resource; the "
                    "second is restricted to SageMaker's namespace."
                ),
            },
        )
