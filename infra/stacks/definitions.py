"""Definitions: the store of what people change while a job runs, and the API that changes it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.alarms import Alarms
from infra.constructs.definitions_tables import DefinitionsTables
from infra.settings import Settings
from infra.topology import Topology


class DefinitionsStack(cdk.Stack):
    """There is one where a use case declares definitions; others know its tables by their names."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        topic: sns.ITopic,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_, description="SDP: definitions stored and changed over HTTP")
        self._topology, self._settings = topology, settings
        self._tables = DefinitionsTables(self, "Tables", topology=topology, settings=settings)
        alarms = Alarms(self, "Watch", topic=topic)
        for use_case, table in self._tables.by_use_case.items():
            alarms.table(use_case, table)
