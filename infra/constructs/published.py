"""The page's files in its bucket: a custom resource that unpacks the archive of the build.

Not the CDK's BucketDeployment, whose function needs a layer that no emulator has: see
lambdas.publish.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import PlatformFunction
from infra.constructs.permissions import allow
from infra.constructs.provider import provider
from infra.settings import Settings


class Published(Construct):
    """Published again when the archive changes; emptied before the bucket is deleted."""

    def __init__(
        self, scope: Construct, id_: str, *, bucket: s3.Bucket, assets: Assets, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        archive = s3_assets.Asset(self, "Archive", path=str(assets.page))
        publish = PlatformFunction(
            self,
            "Publish",
            handler="publish.handler.handler",
            assets=assets,
            settings=settings,
            environment={},
            timeout_seconds=120,
        )
        self._allow(publish, archive, bucket)
        made = provider(self, on_event=publish.function, settings=settings)
        resource = cdk.CustomResource(
            self,
            "Files",
            resource_type="Custom::Page",
            service_token=made.service_token,
            properties={
                "Bucket": bucket.bucket_name,
                "SourceBucket": archive.s3_bucket_name,
                "SourceKey": archive.s3_object_key,
            },
        )
        resource.node.add_dependency(publish.role)

    def _allow(
        self, publish: PlatformFunction, archive: s3_assets.Asset, bucket: s3.Bucket
    ) -> None:
        stack, role = cdk.Stack.of(self), publish.role
        source = archive.bucket.arn_for_objects(archive.s3_object_key)
        allow(role, ["s3:GetObject"], [source])
        # Without it an object that is not there is forbidden, not absent.
        allow(role, ["s3:ListBucket"], [archive.bucket.bucket_arn, bucket.bucket_arn])
        allow(role, ["s3:PutObject", "s3:DeleteObject"], [bucket.arn_for_objects("*")])
        files = bucket.node.default_child
        assert isinstance(files, cdk.CfnElement)
        name = stack.get_logical_id(files)
        acknowledge(
            role, {f"IAM5[Resource::<{name}.Arn>/*]": "The page's files; the build names them."}
        )
