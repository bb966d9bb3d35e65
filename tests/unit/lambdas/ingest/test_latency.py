"""How long a request takes is a metric of which CloudWatch computes percentiles."""

import json
from datetime import timedelta

import pytest

from lambdas.adapters import clock
from lambdas.ingest import handler
from tests.unit.lambdas.ingest.gateway import NOW


def test_the_time_from_request_to_response_is_a_metric(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([NOW, NOW + timedelta(milliseconds=25)])
    monkeypatch.setattr(clock, "now", lambda: next(times))
    monkeypatch.setattr(handler, "_composed", lambda: lambda event, context: {"statusCode": 202})
    context = type("Context", (), {"function_name": "ingest"})()
    assert handler.handler({}, context) == {"statusCode": 202}
    (printed,) = capsys.readouterr().out.splitlines()
    assert json.loads(printed)["DoorLatency"] == [25.0]
