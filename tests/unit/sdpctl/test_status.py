"""What `./sdp status` shows: labelled columns, rates, and a lag that is zero at rest."""

from __future__ import annotations

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sdpctl.cli import app
from sdpctl.commands.local import _table
from sdpctl.errors import CommandError
from sdpctl.local.status import Component, Rates, event_time_lag


def _delivery(records: int) -> list[Component]:
    return [Component("emulator", True), Component("delivery sales", True, records=records)]


def _text(found: list[Component], rates: dict[str, float] | None = None) -> str:
    screen = Console(record=True, width=120)
    screen.print(_table(found, rates))
    return screen.export_text()


def test_every_column_has_a_title() -> None:
    titles = _text(_delivery(0)).splitlines()[0].split()
    assert titles == ["component", "state", "since", "lag", "detail", "log"]


def test_rates_are_shown_where_they_are_known() -> None:
    text = _text(_delivery(0), {"delivery sales": 1234.56})
    assert "records/s" in text.splitlines()[0]
    assert "1,234.6" in text


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    rates = Rates()
    assert rates.add(0, _delivery(1000)) == {}
    assert rates.add(10, _delivery(2000)) == {"delivery sales": 100}
    assert rates.add(40, _delivery(2000)) == {"delivery sales": 0}


def test_a_process_that_was_started_again_has_no_negative_rate() -> None:
    rates = Rates()
    rates.add(0, _delivery(1000))
    assert rates.add(10, _delivery(5)) == {"delivery sales": 0}


@pytest.mark.parametrize(("behind", "lag"), [(5, 0), (64.9, 0), (65, 0), (95, 30)])
def test_event_time_that_only_waits_for_the_next_heartbeat_has_no_lag(
    behind: float, lag: float
) -> None:
    assert event_time_lag(behind) == lag


def test_watching_as_json_is_refused() -> None:
    done = CliRunner().invoke(app("status"), ["status", "--watch", "--json"])
    assert isinstance(done.exception, CommandError)
