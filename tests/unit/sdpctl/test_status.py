"""What `./sdp status` shows: labelled columns, rates, and a lag that is zero at rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from infra.topology import Topology
from sdpctl.cli import app
from sdpctl.commands.local import _table
from sdpctl.errors import CommandError
from sdpctl.local.flows import Rates, counted_since, counts
from sdpctl.local.status import Component, event_time_lag
from tests.unit.lambdas.made_up import CATALOG

NOW = datetime(2026, 11, 26, 10, 0, 30, tzinfo=UTC)


def _text(found: list[Component], rates: dict[str, dict[str, float]] | None = None) -> str:
    screen = Console(record=True, width=140)
    screen.print(_table(found, rates or {}))
    return screen.export_text()


def test_every_column_has_a_title() -> None:
    titles = _text([Component("emulator", True)]).splitlines()[0].split()
    rates = ["in/s", "out/s", "refused/s"]
    assert titles == ["component", "state", "since", "MiB", "lag", *rates, "detail", "log"]


def test_rates_are_below_their_titles_and_those_that_are_watched_are_newer() -> None:
    flow = Component("events of shop", True, per_second={"in": 1234.56, "out": 7, "refused": 0})
    title, line = _text([flow]).splitlines()[:2]
    assert line.split()[-3:] == ["1,234.6", "7.0", "0.0"]
    assert title.index("in/s") == line.index("1,234.6")
    assert "99.0" in _text([flow], {"events of shop": {"in": 99.0}})


def test_flinks_own_log_is_named_beside_what_its_program_prints(tmp_path: Path) -> None:
    flink = Component("flink-shop", True, log="logs/flink-shop.log", output="logs/flink-shop.out")
    text = _text([flink])
    assert "logs/flink-shop.log" in text
    assert "logs/flink-shop.out" in text


def test_what_a_component_occupies_is_below_its_title() -> None:
    title, line = _text([Component("emulator", True, memory_mib=1234)]).splitlines()[:2]
    assert line[title.index("MiB") :].startswith("1,234")


def _delivery(records: int) -> list[tuple[str, dict[str, int]]]:
    return [("emulator", {}), ("delivery sales", {"out": records})]


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    rates = Rates()
    assert rates.add(0, _delivery(1000)) == {}
    assert rates.add(10, _delivery(2000)) == {"delivery sales": {"out": 100}}
    assert rates.add(40, _delivery(2000)) == {"delivery sales": {"out": 0}}


def test_a_process_that_was_started_again_has_no_negative_rate() -> None:
    rates = Rates()
    rates.add(0, _delivery(1000))
    assert rates.add(10, _delivery(5)) == {"delivery sales": {"out": 0}}


class CloudWatch:
    """Each stream has had ten records in each of two minutes, and dead letters one."""

    def get_metric_data(
        self, MetricDataQueries: list[dict[str, Any]], StartTime: datetime, EndTime: datetime
    ) -> dict[str, Any]:
        assert StartTime == datetime(2026, 11, 26, 9, 59, tzinfo=UTC)
        assert EndTime > NOW
        return {"MetricDataResults": [self._result(q) for q in MetricDataQueries]}

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        metric = query["MetricStat"]["Metric"]
        assert (metric["Namespace"], metric["MetricName"]) == ("AWS/Kinesis", "IncomingRecords")
        (dimension,) = metric["Dimensions"]
        few = dimension["Value"].endswith("dead-letters")
        return {"Id": query["Id"], "Values": [1.0, 0.0] if few else [10.0, 10.0]}


def test_what_flows_through_a_use_case_is_the_sum_of_its_streams_by_direction() -> None:
    topology = Topology("t", CATALOG)
    (use_case,) = CATALOG.use_cases
    results = len({s.stream for s in (*use_case.records, *use_case.reports)})
    found = counts(CloudWatch(), topology, counted_since(NOW), NOW)
    assert found == {use_case.name: {"in": 20, "out": 20 * results, "refused": 1}}


@pytest.mark.parametrize(("behind", "lag"), [(5, 0), (64.9, 0), (65, 0), (95, 30)])
def test_event_time_that_only_waits_for_the_next_heartbeat_has_no_lag(
    behind: float, lag: float
) -> None:
    assert event_time_lag(behind) == lag


def test_watching_as_json_is_refused() -> None:
    done = CliRunner().invoke(app("status"), ["status", "--watch", "--json"])
    assert isinstance(done.exception, CommandError)
