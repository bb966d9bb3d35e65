"""The time that a stage of the chain took, as a metric: CloudWatch computes its percentiles."""

from __future__ import annotations

from datetime import timedelta

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


def add(metrics: Metrics, stage: str, time: timedelta) -> None:
    """Add a time; one below zero, of clocks that differ, is zero."""
    value = max(0.0, time / timedelta(milliseconds=1))
    metrics.add_metric(name=f"{stage}Latency", unit=MetricUnit.Milliseconds, value=value)
