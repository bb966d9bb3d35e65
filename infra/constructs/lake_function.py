"""A function that maintains the lake: called on a schedule, for every use case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from glue.targets.lake import LakeTable
from infra.assets import Assets
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.lake_tables import catalog_arns
from infra.settings import Settings
from infra.topology import Topology, to_setting


class LakeFunction(PlatformFunction):
    """Knows the bucket and the databases; may list the bucket and use its key, nothing else."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        handler: str,
        description: str,
        every: cdk.Duration,
        topology: Topology,
        lake: Lake,
        settings: Settings,
        assets: Assets,
        environment: Mapping[str, str],
        memory_mib: int,
        timeout_seconds: int,
        code: Path | None = None,
        storage_mib: int = 512,
    ) -> None:
        self._topology, self._lake = topology, lake
        self._use_cases = [use_case.name for use_case in topology.catalog.use_cases]
        databases = {name: topology.database(name) for name in self._use_cases}
        super().__init__(
            scope,
            id_,
            handler=handler,
            assets=assets,
            settings=settings,
            environment={
                "SDP_LAKE_BUCKET": lake.bucket.bucket_name,
                "SDP_LAKE_DATABASES": to_setting(databases),
                **environment,
            },
            memory_mib=memory_mib,
            timeout_seconds=timeout_seconds,
            code=code,
            storage_mib=storage_mib,
        )
        self._allow(["s3:ListBucket"], [lake.bucket.bucket_arn])
        self._allow(["kms:Decrypt", "kms:GenerateDataKey"], [lake.key.key_arn])
        events.Rule(
            self,
            "Schedule",
            description=description,
            schedule=events.Schedule.rate(every),
            targets=[targets.LambdaFunction(self.function, retry_attempts=0)],
        )

    def allow_objects(self, actions: Iterable[str], *folders: str, reason: str) -> None:
        """S3 actions in these folders of every use case; `reason` for not naming the objects."""
        folders_of = [f"{name}/{folder}/" for name in self._use_cases for folder in folders]
        self._lake.allow(self.role, actions, *folders_of, reason=reason)

    def allow_tables(
        self, actions: Iterable[str], names: Callable[[LakeTable], Iterable[str]]
    ) -> None:
        """Glue actions on these tables of every record."""
        for use_case in self._use_cases:
            ours = [d for d in self._topology.deliveries if d.stream.use_case == use_case]
            tables = [name for d in ours for name in names(d.table)]
            database = self._topology.database(use_case)
            self._allow(actions, catalog_arns(self, database, tables))

    def _allow(self, actions: Iterable[str], resources: Iterable[str]) -> None:
        statement = iam.PolicyStatement(actions=[*actions], resources=[*resources])
        self.role.add_to_policy(statement)
