"""The function that, each minute, registers what was delivered and reports what could not be."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from infra.assets import Assets
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.lake_tables import catalog_arns
from infra.settings import Settings
from infra.topology import Topology, to_setting

_CATALOG = ["glue:BatchCreatePartition", "glue:BatchUpdatePartition", "glue:GetTables"]


class LakeUpkeep(Construct):
    """`letters` are the dead letter streams by key: errors of the delivery are written there."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        letters: Mapping[str, kinesis.Stream],
        lake: Lake,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_)
        self._topology, self._lake = topology, lake
        use_cases = [use_case.name for use_case in topology.catalog.use_cases]
        upkeep = PlatformFunction(
            self,
            "LakeFunction",
            handler="lake.handler.handler",
            assets=assets,
            settings=settings,
            memory_mib=1024,
            timeout_seconds=300,
            environment={
                "SDP_STREAMS": to_setting({k: s.stream_name for k, s in letters.items()}),
                "SDP_LAKE_BUCKET": lake.bucket.bucket_name,
                "SDP_LAKE_DATABASES": to_setting({u: topology.database(u) for u in use_cases}),
            },
        )
        self.function = upkeep.function
        for stream in letters.values():
            stream.grant(upkeep.function, "kinesis:PutRecord", "kinesis:PutRecords")
        self._allow_objects(upkeep.role, use_cases)
        for use_case in use_cases:
            self._allow_tables(upkeep.role, use_case)
        events.Rule(
            self,
            "EachMinute",
            description="Registers what was delivered, reports what could not be",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(upkeep.function, retry_attempts=0)],
        )

    def _allow_objects(self, role: iam.Role, use_cases: list[str]) -> None:
        lake, states = self._lake, [f"{use_case}/state/" for use_case in use_cases]
        errors = [f"{use_case}/errors/" for use_case in use_cases]
        reason = "It reads what Firehose named; what it remembers is named by use case."
        lake.allow(role, ["GetObject"], *errors, *states, reason=reason)
        lake.allow(role, ["PutObject"], *states, reason=reason)
        for actions, arn in (
            (["s3:ListBucket"], lake.bucket.bucket_arn),
            (["kms:Decrypt", "kms:GenerateDataKey"], lake.key.key_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))

    def _allow_tables(self, role: iam.Role, use_case: str) -> None:
        ours = [d for d in self._topology.deliveries if d.stream.use_case == use_case]
        names = [name for d in ours for name in (d.table.parquet, d.table.raw)]
        arns = catalog_arns(self, self._topology.database(use_case), names)
        role.add_to_policy(iam.PolicyStatement(actions=_CATALOG, resources=arns))
