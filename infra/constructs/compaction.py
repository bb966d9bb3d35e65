"""Compaction: the function that merges the files of closed hours, called every few minutes."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from glue.parameters import format_duration
from infra.assets import Assets
from infra.constructs.lake import Lake
from infra.constructs.lake_function import LakeFunction
from infra.settings import Settings
from infra.topology import Topology, to_setting

EVERY_MINUTES = 5
# The batch, the sort on disk and the result, all compressed.
STORAGE_MIB = 10_240
# One whole CPU; compaction itself stays below 1 GB.
MEMORY_MIB = 1_769
TIMEOUT_SECONDS = 900

_TABLES = ["glue:BatchUpdatePartition", "glue:GetPartition"]


class Compaction(Construct):
    """Runs may overlap: each hour is leased by one of them. No concurrency is reserved, because
    that reduces the account's other functions, and a new account has none to reserve.
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
        compact = LakeFunction(
            self,
            "CompactFunction",
            handler="compact.handler.handler",
            description="Merges the files of closed hours",
            every=cdk.Duration.minutes(EVERY_MINUTES),
            topology=topology,
            lake=lake,
            settings=settings,
            assets=assets,
            environment={"SDP_COMPACTION": to_setting(_limits(settings))},
            memory_mib=MEMORY_MIB,
            timeout_seconds=TIMEOUT_SECONDS,
            code=assets.lake,
            storage_mib=STORAGE_MIB,
        )
        self.function = compact.function
        # The schedule repeats a failed run; no immediate retry.
        self.function.configure_async_invoke(retry_attempts=0)
        reason = "Firehose and compaction name the files, in folders that are named here."
        compact.allow_objects(["GetObject", "DeleteObject"], "parquet", "compacted", reason=reason)
        compact.allow_objects(["PutObject"], "compacted", reason=reason)
        compact.allow_tables(_TABLES, lambda table: (table.parquet,))


def _limits(settings: Settings) -> dict[str, str]:
    return {
        "closed_after": format_duration(settings.lake_closed_after),
        "grace": format_duration(settings.lake_grace),
        "file_mib": str(settings.lake_file_mib),
    }
