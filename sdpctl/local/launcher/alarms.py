"""CloudWatch's alarms over an expression, which the emulator refuses in a template.

It keeps them, named by their expression, and never evaluates them: they stay without data.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services.cloudformation import provisioners

REPLACED: dict[Callable[..., Any], list[str]] = {
    provisioners._cw_metric_alarm_record: ["name", "props"],
}
USED: dict[ModuleType, tuple[str, ...]] = {}
_record = provisioners._cw_metric_alarm_record


def replace() -> None:
    """Put our function in the place of the emulator's."""
    provisioners._cw_metric_alarm_record = _metric_alarm_record


def _metric_alarm_record(name: str, props: dict[str, Any]) -> dict[str, Any]:
    if not (metrics := props.get("Metrics")):
        plain: dict[str, Any] = _record(name, props)
        return plain
    (expression,) = [m["Expression"] for m in metrics if "Expression" in m]
    rest = {key: value for key, value in props.items() if key != "Metrics"}
    record: dict[str, Any] = _record(name, {**rest, "MetricName": expression, "Namespace": "math"})
    return record
