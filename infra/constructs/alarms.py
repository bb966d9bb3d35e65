"""A stack's alarms: each notifies the deployment's topic when it starts and when it ends.

Each watches one metric, as it is or by how much it rises.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

WINDOW = cdk.Duration.minutes(5)
LATE_MS = 300_000  # what is read later than this is late

_Compare = cloudwatch.ComparisonOperator
_Missing = cloudwatch.TreatMissingData


class Alarms(Construct):
    """Threshold and periods of an alarm are its own; the windows have one length."""

    def __init__(self, scope: Construct, id_: str, *, topic: sns.ITopic) -> None:
        super().__init__(scope, id_)
        self._action = actions.SnsAction(topic)

    def above(
        self,
        id_: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        threshold: float = 0,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = _Missing.NOT_BREACHING,
    ) -> None:
        """The metric is above the threshold in each of `periods` periods."""
        self._alarm(
            id_, metric, description, threshold, periods, missing, _Compare.GREATER_THAN_THRESHOLD
        )

    def silent(
        self, id_: str, metric: cloudwatch.IMetric, description: str, *, periods: int = 1
    ) -> None:
        """The metric, a count, is 0 or missing in each of `periods` periods."""
        self._alarm(
            id_, metric, description, 1, periods, _Missing.BREACHING, _Compare.LESS_THAN_THRESHOLD
        )

    def rises(
        self,
        id_: str,
        metric: cloudwatch.Metric,
        description: str,
        *,
        minutes: int,
        within: int,
    ) -> None:
        """The metric, a counter, rises in `points` of `periods` minutes.

        A counter that restarts at 0 falls, which raises no alarm.
        """
        rise = cloudwatch.MathExpression(
            expression="DIFF(counter)",
            using_metrics={"counter": metric},
            label=f"rise of {metric.metric_name}",
            period=cdk.Duration.minutes(1),
        )
        self._alarm(
            id_,
            rise,
            description,
            0,
            within,
            _Missing.NOT_BREACHING,
            _Compare.GREATER_THAN_THRESHOLD,
            breaching=minutes,
        )

    def function(self, id_: str, function: lambda_.IFunction) -> None:
        """A function that fails, or is throttled."""
        errors = function.metric_errors(period=WINDOW)
        throttles = function.metric_throttles(period=WINDOW)
        self.above(f"{id_}-errors", errors, f"The function {id_} failed.")
        self.above(f"{id_}-throttles", throttles, f"The function {id_} was throttled.")

    def faults(self, id_: str, api: apigateway.RestApi) -> None:
        """An API that returns 5xx."""
        metric = api.metric_server_error(period=WINDOW, statistic="Sum")
        self.above(id_, metric, "The API returned 5xx.")

    def table(self, id_: str, table: dynamodb.ITable) -> None:
        """A table that throttles requests."""
        for name in ("ReadThrottleEvents", "WriteThrottleEvents"):
            metric = table.metric(name, period=WINDOW, statistic="Sum")
            self.above(f"{id_}-{name}", metric, f"Requests to the table {id_} were throttled.")

    def _alarm(
        self,
        id_: str,
        metric: cloudwatch.IMetric,
        description: str,
        threshold: float,
        periods: int,
        missing: cloudwatch.TreatMissingData,
        comparison: cloudwatch.ComparisonOperator,
        breaching: int | None = None,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=breaching,
            comparison_operator=comparison,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
