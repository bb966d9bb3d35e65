"""Compaction: the function that merges the files of closed hours, called every few minutes."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from glue.parameters import format_duration
from infra.assets import Assets
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.lake_tables import catalog_arns
from infra.settings import Settings
from infra.topology import Topology, to_setting

EVERY_MINUTES = 5
# What is read at once, sorted on disk beside it, and the result; all of it compressed.
STORAGE_MIB = 10_240
# One whole CPU; compaction itself stays below 1 GB.
MEMORY_MIB = 1_769
TIMEOUT_SECONDS = 900

_TABLES = ["glue:BatchUpdatePartition", "glue:GetPartition"]


class Compaction(Construct):
    """Runs may overlap: each hour is leased by one of them. No concurrency is reserved, because
    that is taken from the account's other functions, and a new account has none to reserve.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        lake: Lake,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_)
        self._topology, self._lake = topology, lake
        use_cases = [use_case.name for use_case in topology.catalog.use_cases]
        compact = PlatformFunction(
            self,
            "CompactFunction",
            handler="compact.handler.handler",
            assets=assets,
            code=assets.lake,
            settings=settings,
            memory_mib=MEMORY_MIB,
            storage_mib=STORAGE_MIB,
            timeout_seconds=TIMEOUT_SECONDS,
            environment={
                "SDP_LAKE_BUCKET": lake.bucket.bucket_name,
                "SDP_LAKE_DATABASES": to_setting({u: topology.database(u) for u in use_cases}),
                "SDP_COMPACTION": to_setting(_limits(settings)),
            },
        )
        self.function = compact.function
        # A run that failed is repeated by the schedule, not at once.
        self.function.configure_async_invoke(retry_attempts=0)
        self._allow_objects(compact.role, use_cases)
        for use_case in use_cases:
            self._allow_tables(compact.role, use_case)
        events.Rule(
            self,
            "Regularly",
            description="Merges the files of closed hours",
            schedule=events.Schedule.rate(cdk.Duration.minutes(EVERY_MINUTES)),
            targets=[targets.LambdaFunction(self.function, retry_attempts=0)],
        )

    def _allow_objects(self, role: iam.Role, use_cases: list[str]) -> None:
        delivered = [f"{use_case}/parquet/" for use_case in use_cases]
        compacted = [f"{use_case}/compacted/" for use_case in use_cases]
        reason = "Files are named by Firehose and by generation, below folders that are named here."
        for actions, folders in (
            (["GetObject", "DeleteObject"], [*delivered, *compacted]),
            (["PutObject"], compacted),
        ):
            self._lake.allow(role, actions, *folders, reason=reason)
        for actions, arn in (
            (["s3:ListBucket"], self._lake.bucket.bucket_arn),
            (["kms:Decrypt", "kms:GenerateDataKey"], self._lake.key.key_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))

    def _allow_tables(self, role: iam.Role, use_case: str) -> None:
        ours = [d for d in self._topology.deliveries if d.stream.use_case == use_case]
        names = [d.table.parquet for d in ours]
        arns = catalog_arns(self, self._topology.database(use_case), names)
        role.add_to_policy(iam.PolicyStatement(actions=_TABLES, resources=arns))


def _limits(settings: Settings) -> dict[str, str]:
    return {
        "closed_after": format_duration(settings.lake_closed_after),
        "grace": format_duration(settings.lake_grace),
        "file_mib": str(settings.lake_file_mib),
    }
