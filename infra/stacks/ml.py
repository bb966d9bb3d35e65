"""Models: retraining for each use case that declares one, and predictions over HTTP.

What changes with each model (jobs, models, the endpoint, the registry) is created by the
workflow's functions through SageMaker's API, so the template is the same everywhere.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue import UseCase
from glue.parameters import together
from glue.targets.lake import lake_tables
from infra.assets import Assets
from infra.constructs.api import KeyedApi
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.model_alarms import PredictionAlarms, RetrainingAlarms
from infra.constructs.permissions import allow, read_objects
from infra.constructs.retraining import Retraining, Trained
from infra.constructs.table import table, text
from infra.images import training_image
from infra.settings import Settings
from infra.topology import Topology, to_setting

ENDPOINT_SECONDS = 2  # how long a caller waits for an endpoint before the fallback predicts


class MlStack(cdk.Stack):
    """Takes the lake and the API key from other stacks; there is one where a model is declared."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        lake: Lake,
        topic: sns.ITopic,
        api_key: apigateway.IApiKey,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: models retrained, evaluated and served")
        self._topology, self._lake, self._topic = topology, lake, topic
        self._settings, self._assets = settings, assets
        self._ledger = self._training_ledger()
        self._image = training_image(self.region, settings.training.image)
        modelled = [u for u in topology.catalog.use_cases if u.model is not None]
        for use_case in modelled:
            self._retraining(use_case)
        function = self._predict([u.name for u in modelled])
        api = KeyedApi(
            self,
            "Predictions",
            function=function,
            api_key=api_key,
            settings=settings,
            name=f"{topology.prefix}-predictions",
            description=f"{topology.prefix}: predictions",
        )
        PredictionAlarms(
            self, "Alarms", api=api.api, namespace=settings.metrics_namespace, topic=topic
        )
        cdk.CfnOutput(self, "UrlForPredictions", value=f"{api.url}/predictions")

    def _retraining(self, use_case: UseCase) -> None:
        assert use_case.model is not None
        record = use_case.model.record
        table = next(t for t in lake_tables(use_case) if t.stream == record.stream)
        name = use_case.name
        retraining = Retraining(
            self,
            name,
            trained=Trained(
                name,
                table,
                self._topology.database(name),
                self._topology.workgroup(name),
                self._topology.definitions_tables[name],
            ),
            lake=self._lake,
            ledger=self._ledger,
            image=self._image,
            code=s3_assets.Asset(
                self, f"{name}-code", path=str(self._assets.models / f"{name}.tar.gz")
            ),
            settings=self._settings,
            assets=self._assets,
        )
        RetrainingAlarms(
            self,
            f"{name}-alarms",
            machine=retraining.machine,
            endpoint=retraining.name,
            topic=self._topic,
        )
        title = name.title().replace("-", "")
        cdk.CfnOutput(self, f"Release{title}", value=retraining.release.function_name)
        cdk.CfnOutput(self, f"Decide{title}", value=retraining.decide.function_name)

    def _predict(self, use_cases: list[str]) -> lambda_.Function:
        values = {
            "prefix": self._settings.prefix,
            "use_cases": use_cases,
            "bucket": self._lake.bucket.bucket_name,
            "endpoint_seconds": ENDPOINT_SECONDS,
        }
        function = PlatformFunction(
            self,
            "PredictFunction",
            handler="predict.handler.handler",
            assets=self._assets,
            settings=self._settings,
            environment={
                "SDP_MODEL": self.to_json_string(values),
                "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
            },
            memory_mib=1024,
            reserved=self._settings.predictions_concurrency,
        )
        endpoints = [
            self.format_arn(
                service="sagemaker",
                resource="endpoint",
                resource_name=f"{self._settings.prefix}-{name}",
            )
            for name in use_cases
        ]
        allow(function.role, ["sagemaker:InvokeEndpoint"], endpoints)
        read_objects(function.role, self._lake, *(f"models/{name}/" for name in use_cases))
        return function.function

    def _training_ledger(self) -> dynamodb.Table:
        return table(
            self,
            "Ledger",
            name=f"{self._topology.prefix}-training",
            hash_key=text("use_case"),
            range_key=text("item"),
            settings=self._settings,
        )
