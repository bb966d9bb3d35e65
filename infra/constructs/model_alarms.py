"""Alarms: failed runs, failing predictions, and endpoints that do not respond."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.alarms import WINDOW, Alarms

VARIANT = "primary"


class PredictionAlarms(Alarms):
    """Of the API: error responses, and the share of predictions by the fallback."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        api: apigateway.RestApi,
        namespace: str,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_, topic=topic)
        self.faults("Faults", api)
        self.above(
            "FallbackShare",
            # It is 1 for a prediction by the fallback, otherwise 0: the mean is the share.
            cloudwatch.Metric(
                namespace=namespace,
                metric_name="Fallbacks",
                dimensions_map={"service": "predictfunction"},
                statistic="Average",
                period=WINDOW,
            ),
            "More than a tenth of the predictions came from the fallback.",
            threshold=0.1,
            periods=3,
        )


class RetrainingAlarms(Alarms):
    """Of one use case: runs that failed, and errors of its endpoint."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        machine: sfn.StateMachine,
        endpoint: str,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_, topic=topic)
        for name, metric in (
            ("Failed", machine.metric_failed(period=WINDOW)),
            ("TimedOut", machine.metric_timed_out(period=WINDOW)),
        ):
            self.above(f"Runs{name}", metric, "A retraining failed.")
        for name in ("Invocation5XXErrors", "InvocationModelErrors"):
            errors = cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=name,
                dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
                statistic="Sum",
                period=WINDOW,
            )
            self.above(name, errors, "The endpoint returned errors.")
