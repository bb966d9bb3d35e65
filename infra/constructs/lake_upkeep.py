"""The function that each minute registers delivered files and reports undelivered records."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from glue.parameters import format_duration
from infra.assets import Assets
from infra.constructs.lake import Lake
from infra.constructs.lake_function import LakeFunction
from infra.settings import Settings
from infra.topology import Stream, Topology, to_setting

_CATALOG = ["glue:BatchCreatePartition", "glue:BatchUpdatePartition", "glue:GetTables"]


class LakeUpkeep(Construct):
    """`letters` are the streams of dead letters: errors of the delivery are written there."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        letters: Mapping[Stream, kinesis.IStream],
        lake: Lake,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_)
        upkeep = LakeFunction(
            self,
            "LakeFunction",
            handler="lake.handler.handler",
            description="Registers delivered files, reports undelivered records",
            every=cdk.Duration.minutes(1),
            topology=topology,
            lake=lake,
            settings=settings,
            assets=assets,
            environment={
                "SDP_STREAMS": to_setting({s.key: s.name for s in letters}),
                "SDP_RETENTION": format_duration(settings.longest_retention),
            },
            memory_mib=1024,
            timeout_seconds=300,
        )
        self.function = upkeep.function
        for stream in letters.values():
            stream.grant(upkeep.function, "kinesis:PutRecords")
        reason = "Firehose names what it reads; its state is named by use case."
        upkeep.allow_objects(["GetObject"], "errors", "state", "compacted", reason=reason)
        upkeep.allow_objects(["PutObject"], "state", reason=reason)
        upkeep.allow_tables(_CATALOG, lambda table: (table.parquet, table.raw))
