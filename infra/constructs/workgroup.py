"""An Athena workgroup: where its results go, how much a query may read, encryption enforced."""

from __future__ import annotations

from aws_cdk import aws_athena as athena
from constructs import Construct

from infra.constructs.lake import QUERY_RESULTS, Lake
from infra.settings import Settings

_MIB = 1024 * 1024


class Workgroup(Construct):
    """Its settings override those of the client, so no client can bypass them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        use_case: str,
        lake: Lake,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        group = athena.CfnWorkGroup
        self.resource = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=name,
            description=f"Queries of the use case {use_case}",
            recursive_delete_option=True,
            work_group_configuration=group.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=settings.athena_scan_limit_mib * _MIB,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                engine_version=group.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=group.ResultConfigurationProperty(
                    output_location=f"s3://{lake.bucket.bucket_name}/{QUERY_RESULTS}{use_case}/",
                    encryption_configuration=group.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=lake.key.key_arn
                    ),
                ),
            ),
        )
