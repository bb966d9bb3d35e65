"""Alarms: a run that failed, predictions that fail, and endpoints that do not answer."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

VARIANT = "primary"
_FIVE_MINUTES = cdk.Duration.minutes(5)


class PredictionAlarms(Construct):
    """Of the API: answers that are errors, and the share that the fallback gave."""

    def __init__(self, scope: Construct, id_: str, *, api: apigateway.RestApi) -> None:
        super().__init__(scope, id_)
        _alarm(
            self,
            "Faults",
            api.metric_server_error(period=_FIVE_MINUTES, statistic="Sum"),
            "The prediction API answered with 5xx.",
        )
        _alarm(
            self,
            "FallbackShare",
            # It is 1 for a prediction that the fallback gave, else 0: the mean is the share.
            cloudwatch.Metric(
                namespace="SDP",
                metric_name="Fallbacks",
                dimensions_map={"service": "predictfunction"},
                statistic="Average",
                period=_FIVE_MINUTES,
            ),
            "More than a tenth of the predictions came from the fallback.",
            threshold=0.1,
            periods=3,
        )


class RetrainingAlarms(Construct):
    """Of one use case: runs that failed, and errors of its endpoint."""

    def __init__(
        self, scope: Construct, id_: str, *, machine: sfn.StateMachine, endpoint: str
    ) -> None:
        super().__init__(scope, id_)
        for name, metric in (
            ("Failed", machine.metric_failed(period=_FIVE_MINUTES)),
            ("TimedOut", machine.metric_timed_out(period=_FIVE_MINUTES)),
        ):
            _alarm(self, f"Runs{name}", metric, "A retraining did not end as it should.")
        for name in ("Invocation5XXErrors", "InvocationModelErrors"):
            metric = cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=name,
                dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
                statistic="Sum",
                period=_FIVE_MINUTES,
            )
            _alarm(self, name, metric, "The endpoint answered with errors.")


def _alarm(
    scope: Construct,
    id_: str,
    metric: cloudwatch.IMetric,
    description: str,
    *,
    threshold: float = 0,
    periods: int = 1,
) -> None:
    cloudwatch.Alarm(
        scope,
        id_,
        metric=metric,
        alarm_description=description,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
