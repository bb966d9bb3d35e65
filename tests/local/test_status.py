"""`./sdp status` of a platform that runs: what flows, near zero lag at rest, and its logs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sdpctl.local import flink_status
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver, auctions, wait_until
from tests.local.machine import Machine
from tests.local.parameters import PARAMETERS
from tests.local.terminal import Terminal


def _components(settings: Settings) -> dict[str, dict[str, Any]]:
    done = sdp(settings, "status", "--json")
    return {c["name"]: c for c in json.loads(done.stdout)}


def test_what_comes_in_goes_out_and_is_refused_is_counted(
    driver: Driver, settings: Settings
) -> None:
    made = auctions(100)
    driver.send(made.events)
    driver.send(made.bids)  # again: as many duplicates
    driver.await_totals(made.campaign, made.expected)

    def counted() -> dict[str, int]:
        return dict(_components(settings)["events of adtech"]["records"])

    def holds() -> bool:
        found = counted()
        return (
            found["in"] >= len(made.events) + len(made.bids)
            and found["out"] >= len(made.impressions) + len(made.clicks)
            and found["refused"] >= len(made.bids)
        )

    wait_until(holds, 60, lambda: f"{counted()}")
    rates = _components(settings)["events of adtech"]["per_second"]
    assert all(rates[way] > 0 for way in ("in", "out", "refused"))


def test_watch_shows_what_comes_in_until_it_is_interrupted(
    driver: Driver, settings: Settings
) -> None:
    with Terminal.running(settings, "status", "--watch") as terminal:
        terminal.read_until(_incoming, 120)
        driver.send(auctions(100).events)
        terminal.read_until(lambda text: _incoming(text) and _incoming(text)[-1] > 0, 120)
        assert terminal.interrupt() == 0


def _incoming(screen: str) -> list[float]:
    """Events per second, of each time that their line was drawn: after MiB, if any, and the lag."""
    found = re.findall(r"events of adtech +running [^\n]*?(\d[\d,]*\.\d) +\d[\d,]*\.\d ", screen)
    return [float(rate.replace(",", "")) for rate in found]


def test_status_and_outputs_have_the_deployed_parameters(settings: Settings) -> None:
    names = ("AggregationPeriod", "CorrelationWindow", "AllowedLateness")
    deployed = {name: PARAMETERS[name] for name in names}
    shown = _components(settings)["stacks"]["detail"].split(", ")
    assert {f"{name}={value}" for name, value in deployed.items()} <= set(shown)
    found = json.loads(sdp(settings, "outputs", "--json").stdout)
    assert deployed.items() <= found.items()


def test_at_rest_every_lag_is_near_zero(driver: Driver, settings: Settings) -> None:
    def lags() -> dict[str, float]:
        found = {n: c["lag_seconds"] for n, c in _components(settings).items()}
        return {name: lag for name, lag in found.items() if lag is not None}

    wait_until(lambda: max(lags().values()) < 10, 180, lambda: f"{lags()}")
    assert len(lags()) > 1


def test_flinks_own_log_is_named_and_kept_over_restarts_beside_no_debris(
    machine: Machine, settings: Settings
) -> None:
    """The log of the job before the end, which says why, is the one that is wanted."""
    (state,) = flink_status.states(settings)
    flink = _components(settings)[f"flink-{state['name']}"]
    log = Path(flink["log"])
    before = log.read_text()
    machine.kill_flink()
    wait_until(
        lambda: (
            flink_status.states(settings)[0]["restarts"] > state["restarts"]
            and flink_status.running(settings)
        ),
        600,
        lambda: f"{flink_status.states(settings)}",
    )
    after = log.read_text()
    assert after.startswith(before)
    assert "switched from INITIALIZING to RUNNING" in after[len(before) :]
    assert Path(flink["output"]).is_file()
    known = (
        *("bootstrap", "synth", "deploy", "delivery", "emulator", "sagemaker", "workers"),
        "flink-",
    )
    assert [p.name for p in settings.logs.iterdir() if not p.name.startswith(known)] == []
    assert {p.stem for p in settings.logs.glob("flink-*")} == {f"flink-{state['name']}"}
