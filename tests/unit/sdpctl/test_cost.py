"""The estimate follows the load and the settings, and says what it assumes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from typer.testing import CliRunner

from glue import PlatformError
from infra import costs
from sdpctl.cli import app
from sdpctl.commands import cost
from sdpctl.commands.cost import estimates
from sdpctl.settings import ROOT

FILE = costs.read_prices()
PRICES = FILE["prices"]


def run(*arguments: str) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app("cost"), ["cost", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def document(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("--json", *arguments))
    return found


def test_idle_costs_are_those_that_run_by_the_hour() -> None:
    (idle,) = document("--events", "0")
    services = idle["services"]
    assert services["Firehose"] == services["SageMaker"] == services["Athena"] == 0
    # 13 shards, two of them with events kept for three days; two KPUs and that of orchestration.
    assert services["Kinesis"] == pytest.approx(730 * (13 * 0.015 + 2 * 0.02), abs=0.1)
    assert services["Managed Flink"] == pytest.approx(730 * 3 * 0.11 + 100 * 0.1, abs=0.01)
    assert idle["total"] == pytest.approx(sum(services.values()), abs=0.1)


def test_what_is_paid_by_the_record_grows_with_the_load_and_shards_follow_it() -> None:
    small, large = document("--events", "1000,10000")
    for service in ("Firehose", "API Gateway"):
        assert large["services"][service] > 9 * small["services"][service]
    assert large["shards"]["sdp-adtech-bcns"] == 15
    assert large["shards"]["sdp-adtech-progress"] == 1


def test_streams_on_demand_have_a_price_of_their_own() -> None:
    (idle,) = document("--events", "0", "--set", "streamShards=on-demand")
    assert idle["services"]["Kinesis"] == pytest.approx(730 * (6 * 0.04 + 0.015), abs=0.1)


def test_a_stream_on_demand_pays_for_records_of_a_kilobyte_and_for_what_is_kept() -> None:
    """Of 100 events a second of 300 bytes, kept for ten days, and of as many results of 400."""
    settings = ("--set", "streamShards=on-demand", "--set", "streamRetentionHours=240")
    idle, some = document("--events", "0,100", *settings)
    seconds, gigabyte = 730 * 3_600, 1e9
    events, results = 100 * 300 / gigabyte, 100 * 400 / gigabyte  # a second
    written = 2 * 100 * 1_024 / gigabyte * seconds * 0.08
    read = 2 * (events + results) * seconds * 0.04
    kept = events * 3_600 * (144 * 0.10 + 72 * 0.023)
    added = some["services"]["Kinesis"] - idle["services"]["Kinesis"]
    assert added == pytest.approx(written + read + kept, abs=0.5)


def test_messages_over_mqtt_have_a_stream_a_price_and_no_request_over_http() -> None:
    """2,000 a second, in one message each: 5.3 billion a month, of which the last cost least."""
    machines = ("--set", "useCases=machines")
    (idle,) = document("--events", "0", *machines)
    assert idle["shards"]["sdp-machines-mqtt"] == 2
    (many,) = document("--events", "2000", "--assume", "things=1000", *machines)
    assert many["shards"]["sdp-machines-mqtt"] == many["shards"]["sdp-machines-measurements"] == 3
    millions = 2_000 * 730 * 3_600 / 1e6
    messages = 1_000 * 1.0 + 4_000 * 0.8 + (millions - 5_000) * 0.7
    connections = 1_000 * 730 * 60 / 1e6 * 0.08
    expected = messages + millions * 0.30 + connections
    assert many["services"]["IoT Core"] == pytest.approx(expected, abs=0.01)
    assert many["services"]["API Gateway"] == pytest.approx(730 * 3_600 / 1e6 * 3.5, abs=0.01)
    assert many["services"]["Lambda"] > idle["services"]["Lambda"]


def test_ten_quantities_in_a_message_cost_a_tenth_and_http_alone_costs_no_message() -> None:
    some = ("--events", "100", "--set", "useCases=machines", "--assume", "things=1")
    (one,) = document(*some)
    (ten,) = document(*some, "--assume", "message_events=10")
    assert one["services"]["IoT Core"] == pytest.approx(10 * ten["services"]["IoT Core"], abs=0.1)
    (http,) = document(*some, "--assume", "mqtt_share=1e-9")
    assert http["services"]["IoT Core"] == 0
    assert http["services"]["API Gateway"] > one["services"]["API Gateway"]
    assert "IoT Core" not in document("--events", "100")[0]["services"]


def test_the_price_of_a_gigabyte_falls_with_the_volume() -> None:
    """500,000 records a second of 5 KB, twice: 13.1 PB a month."""
    (huge,) = document("--events", "500000")
    gigabytes = 2 * 500_000 * 5_000 * 730 * 3_600 / 1e9
    inlet = 500e3 * 0.029 + 1_500e3 * 0.025 + (gigabytes - 2_000e3) * 0.02
    assert huge["services"]["Firehose"] == pytest.approx(inlet + gigabytes * 0.018, rel=1e-3)


def test_the_table_shows_the_assumptions_and_the_date_of_the_prices() -> None:
    shown = run()
    for words in ("idle", "10,000 events/s", "total", "event_bytes=300", "us-east-1, 20", "USD"):
        assert words in shown


def test_an_assumption_can_be_changed() -> None:
    (few,) = document("--events", "100", "--assume", "batch=1")
    (many,) = document("--events", "100", "--assume", "batch=500")
    assert few["services"]["API Gateway"] > 50 * many["services"]["API Gateway"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--events", "many"], "--events many: must be numbers from 0"),
        (["--events", "-1"], "--events -1: must be numbers from 0"),
        (["--assume", "size=3"], "--assume size: unknown; assumptions: batch, event_bytes"),
        (["--assume", "batch=none"], "--assume batch=none: must be a number"),
        (["--assume", "batch=0"], "must be above 0"),
        (["--assume", "batch"], "--assume 'batch': must be NAME=VALUE"),
        (["--set", "streamShards=few"], "streamShards=few"),
    ],
)
def test_what_cannot_be_is_refused_by_name(arguments: list[str], words: str) -> None:
    with pytest.raises(PlatformError, match=words.replace("(", r"\(")):
        run(*arguments)


class Read(Mapping[str, float]):
    """The prices, and which of them were read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.names.add(name)
        return float(PRICES[name])

    def __iter__(self) -> Iterator[str]:
        return iter(PRICES)

    def __len__(self) -> int:
        return len(PRICES)


def test_every_price_is_used() -> None:
    read: Any = Read()
    for settings in (["useCases=adtech machines"], ["streamShards=on-demand"]):
        for found in estimates(cost.LOADS, [], settings, read):
            found.lines()
    assert set(PRICES) == read.names


def test_the_prices_have_a_date_and_a_place_which_the_command_and_the_readme_name() -> None:
    printed = run()
    readme = (ROOT / "README.md").read_text("utf-8")
    for said in (FILE["date"], FILE["region"], FILE["list"]):
        assert said in printed
        assert said in readme


def test_the_readme_has_the_totals_that_the_command_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    found = re.search(
        r"About \$([\d,]+) a month idle, \$([\d,]+) at 100 events/s, \$([\d,]+) at 10,000", readme
    )
    assert found, "README: On AWS"
    written = [int(text.replace(",", "")) for text in found.groups()]
    assert written == pytest.approx([found["total"] for found in document()], rel=0.05)
