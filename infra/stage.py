"""One stage per region: the same stacks, deployed together with `cdk deploy 'sdp-<region>/*'`."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from glue import Catalog
from infra.assets import Assets
from infra.settings import Settings
from infra.stacks.actions import ActionsStack
from infra.stacks.dashboard import DashboardStack
from infra.stacks.definitions import DefinitionsStack
from infra.stacks.ingestion import IngestionStack
from infra.stacks.lake import LakeStack
from infra.stacks.ml import MlStack
from infra.stacks.mqtt import MqttStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.processing import ProcessingStack
from infra.stacks.reporting import ReportingStack
from infra.topology import Topology


class PlatformStage(cdk.Stage):
    """The platform in one region; the account is that of the credentials at deploy time."""

    def __init__(
        self, scope: Construct, id_: str, *, catalog: Catalog, settings: Settings, assets: Assets
    ) -> None:
        region = id_.removeprefix(f"{settings.prefix}-")
        super().__init__(scope, id_, env=cdk.Environment(region=region))
        topology = Topology(settings.prefix, catalog, settings.applications)
        self.observability = ObservabilityStack(
            self, "observability", topology=topology, settings=settings
        )
        self.ingestion = IngestionStack(
            self,
            "ingestion",
            topology=topology,
            topic=self.observability.topic,
            settings=settings,
            assets=assets,
        )
        self.lake = LakeStack(
            self,
            "lake",
            topology=topology,
            topic=self.observability.topic,
            settings=settings,
            assets=assets,
        )
        self.processing = ProcessingStack(
            self,
            "processing",
            topology=topology,
            lake=self.lake.lake,
            topic=self.observability.topic,
            settings=settings,
            assets=assets,
        )
        self.reporting = ReportingStack(
            self,
            "reporting",
            topology=topology,
            streams=self.ingestion.streams,
            topic=self.observability.topic,
            api_key=self.ingestion.api_key,
            settings=settings,
            assets=assets,
        )
        for reader in (self.processing, self.reporting, self.lake):
            # They know its streams by their names alone.
            reader.add_stack_dependency(self.ingestion)
        if topology.dispatches:
            self.actions = ActionsStack(
                self,
                "actions",
                topology=topology,
                topic=self.observability.topic,
                settings=settings,
                assets=assets,
            )
            self.actions.add_stack_dependency(self.ingestion)
        if topology.messages:
            self.mqtt = MqttStack(
                self,
                "mqtt",
                topology=topology,
                topic=self.observability.topic,
                settings=settings,
                assets=assets,
            )
            self.mqtt.add_stack_dependency(self.ingestion)
        if any(use_case.model is not None for use_case in catalog.use_cases):
            self.ml = MlStack(
                self,
                "ml",
                topology=topology,
                lake=self.lake.lake,
                topic=self.observability.topic,
                api_key=self.ingestion.api_key,
                settings=settings,
                assets=assets,
            )
        if topology.definitions_tables:
            self.definitions = DefinitionsStack(
                self,
                "definitions",
                topology=topology,
                lake=self.lake.lake,
                topic=self.observability.topic,
                settings=settings,
                assets=assets,
            )
            # The job reads its definitions and models from its start on.
            self.processing.add_stack_dependency(self.definitions)
        apis = {"/reports/*": self.reporting.api}
        if topology.definitions_tables and self.definitions.api is not None:
            apis["/definitions/*"] = self.definitions.api
        self.dashboard = DashboardStack(
            self,
            "dashboard",
            topology=topology,
            lake=self.lake.lake,
            apis=apis,
            ingestion=self.ingestion.api,
            topic=self.observability.topic,
            settings=settings,
            assets=assets,
        )
        cdk.Tags.of(self).add("platform", settings.prefix)


def add_stages(
    scope: Construct, *, catalog: Catalog, settings: Settings, assets: Assets
) -> list[PlatformStage]:
    """A stage for each of the deployment's regions."""
    return [
        PlatformStage(
            scope,
            f"{settings.prefix}-{region}",
            catalog=catalog,
            settings=settings,
            assets=assets,
        )
        for region in settings.regions
    ]
