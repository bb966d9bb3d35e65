"""Alarms: a run that failed, predictions that fail, and endpoints that do not answer."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.alarms import WINDOW, Alarms

VARIANT = "primary"


class PredictionAlarms(Alarms):
    """Of the API: answers that are errors, and the share that the fallback gave."""

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
            # It is 1 for a prediction that the fallback gave, else 0: the mean is the share.
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
            self.above(f"Runs{name}", metric, "A retraining did not end as it should.")
        for name in ("Invocation5XXErrors", "InvocationModelErrors"):
            errors = cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=name,
                dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
                statistic="Sum",
                period=WINDOW,
            )
            self.above(name, errors, "The endpoint answered with errors.")
