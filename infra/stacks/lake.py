"""The lake: every stream but progress in S3, as tables that Athena and training read."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue import UseCase
from infra.assets import Assets
from infra.constructs.alarms import WINDOW, Alarms
from infra.constructs.compaction import Compaction
from infra.constructs.delivery import DeliveryStream
from infra.constructs.lake import Lake
from infra.constructs.lake_tables import LakeTables
from infra.constructs.lake_upkeep import LakeUpkeep
from infra.constructs.logs import log_group
from infra.constructs.streams import NamedStreams
from infra.constructs.workgroup import Workgroup
from infra.settings import Settings
from infra.topology import Topology

_LATE_SECONDS = 600  # beyond the time for which Firehose buffers records


class LakeStack(cdk.Stack):
    """Reads ingestion's streams by name; other stacks take `lake` (bucket and key) from here."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: every record in S3, for Athena")
        self._topology, self._settings, self._assets = topology, settings, assets
        self._streams = NamedStreams(self, "Streams", streams=topology.streams).by_key
        self.lake = Lake(self, "Lake", topology=topology, settings=settings)
        group = log_group(self, "DeliveryLogs", settings=settings)
        for use_case in topology.catalog.use_cases:
            self._use_case(use_case, group)
        upkeep = LakeUpkeep(
            self,
            "Upkeep",
            topology=topology,
            letters={s: self._streams[s.key] for s in topology.dead_letter_streams},
            lake=self.lake,
            settings=settings,
            assets=assets,
        )
        compaction = Compaction(
            self,
            "Compaction",
            topology=topology,
            lake=self.lake,
            settings=settings,
            assets=assets,
        )
        alarms = Alarms(self, "Watch", topic=topic)
        alarms.function("upkeep", upkeep.function)
        alarms.function("compaction", compaction.function)
        self._watch_deliveries(alarms)
        cdk.CfnOutput(self, "CompactionFunction", value=compaction.function.function_name)
        cdk.CfnOutput(self, "LakeBucket", value=self.lake.bucket.bucket_name)

    def _watch_deliveries(self, alarms: Alarms) -> None:
        late = self._settings.lake_buffer_seconds + _LATE_SECONDS
        for delivery in self._topology.deliveries:
            age = cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": delivery.name},
                statistic="Maximum",
                period=WINDOW,
            )
            description = f"{delivery.name}: records reach the lake late."
            alarms.above(f"{delivery.name}-late", age, description, threshold=late, periods=3)

    def _use_case(self, use_case: UseCase, group: logs.LogGroup) -> None:
        deliveries = [d for d in self._topology.deliveries if d.stream.use_case == use_case.name]
        tables = LakeTables(
            self,
            f"{use_case.name}-tables",
            use_case=use_case,
            database=self._topology.database(use_case.name),
            tables=[d.table for d in deliveries],
            lake=self.lake,
        )
        for delivery in deliveries:
            DeliveryStream(
                self,
                f"{delivery.stream.key.replace('/', '-')}-delivery",
                delivery=delivery,
                stream=self._streams[delivery.stream.key],
                table=tables.parquet[delivery.stream.stream],
                lake=self.lake,
                log_group=group,
                buffer_seconds=self._settings.lake_buffer_seconds,
            )
        Workgroup(
            self,
            f"{use_case.name}-queries",
            name=self._topology.workgroup(use_case.name),
            use_case=use_case.name,
            lake=self.lake,
            settings=self._settings,
        )
