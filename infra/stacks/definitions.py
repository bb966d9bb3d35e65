"""Definitions: the store of what changes while a job runs, and the API that changes it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue.parameters import together
from glue.targets.lake import table_of
from infra.assets import Assets
from infra.constructs.alarms import Alarms
from infra.constructs.api import KeyedApi
from infra.constructs.definitions_tables import DefinitionsTables
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.permissions import query_tables
from infra.settings import Settings
from infra.topology import Topology, to_setting


class DefinitionsStack(cdk.Stack):
    """There is one where a use case declares definitions or a model; others know its tables' names.

    Its API has a key of its own: who sends events cannot change rules. Where models alone are
    versioned there is none: people promote them, they do not write them. Then `api` is None.
    """

    api: KeyedApi | None = None

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        lake: Lake,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: definitions stored and changed over HTTP")
        self._topology, self._lake = topology, lake
        self._settings, self._assets = settings, assets
        self._tables = DefinitionsTables(self, "Tables", topology=topology, settings=settings)
        alarms = Alarms(self, "Watch", topic=topic)
        for use_case, table in self._tables.by_use_case.items():
            alarms.table(use_case, table)
        if any(use_case.definitions for use_case in topology.catalog.use_cases):
            self.api = self._api(alarms)

    def _api(self, alarms: Alarms) -> KeyedApi:
        function = self._function()
        key = apigateway.ApiKey(self, "ApiKey", description="Key for the definitions")
        api = KeyedApi(
            self,
            "Definitions",
            function=function,
            api_key=key,
            settings=self._settings,
            name=f"{self._topology.prefix}-definitions",
            description=f"{self._topology.prefix}: definitions",
        )
        alarms.function("definitions", function)
        alarms.faults("faults", api.api)
        cdk.CfnOutput(self, "UrlForDefinitions", value=api.url)
        cdk.CfnOutput(self, "DefinitionsKeyId", value=key.key_id)
        return api

    def _function(self) -> lambda_.Function:
        declared = [u.name for u in self._topology.catalog.use_cases if u.definitions]
        tables = {name: self._tables.by_use_case[name] for name in declared}
        names = {use_case: table.table_name for use_case, table in tables.items()}
        function = PlatformFunction(
            self,
            "DefinitionsFunction",
            handler="definitions.handler.handler",
            assets=self._assets,
            settings=self._settings,
            memory_mib=1024,
            code=self._assets.definitions,
            reserved=self._settings.definitions_concurrency,
            environment={
                "SDP_TABLES": to_setting(names),
                "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
                "SDP_LAKE_DATABASES": to_setting({n: self._topology.database(n) for n in names}),
                "SDP_WORKGROUPS": to_setting({n: self._topology.workgroup(n) for n in names}),
            },
        )
        for table in tables.values():
            table.grant(
                function.role,
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            )
        self._query(function)
        return function.function

    def _query(self, function: PlatformFunction) -> None:
        """Business events of the lake and how they were decided, for tests over a range of it."""
        for use_case in self._topology.catalog.use_cases:
            if use_case.definitions is None or use_case.definitions.event is None:
                continue
            query_tables(
                function.role,
                self,
                self._lake,
                [table_of(use_case, s) for s in use_case.definitions.decided_again_from],
                self._topology.database(use_case.name),
                self._topology.workgroup(use_case.name),
            )
