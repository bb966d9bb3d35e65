"""The parameters of `./sdp up`, and what it refuses before it does anything."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from glue.errors import ParameterError
from sdpctl.commands.local import parse_parameters
from sdpctl.errors import CommandError
from sdpctl.local import flink_status, platform
from sdpctl.local.applications import Application
from sdpctl.local.flink_worker import FlinkWorker
from sdpctl.local.processes import free_port
from sdpctl.local.status import components
from sdpctl.settings import PORTS, Settings


def test_parameters_are_pairs_parted_by_spaces() -> None:
    text = " CorrelationWindow=PT1M  AllowedLateness=PT1M streamShards=4 "
    assert parse_parameters(text) == {
        "CorrelationWindow": "PT1M",
        "AllowedLateness": "PT1M",
        "streamShards": "4",
    }
    assert parse_parameters("") == {}


@pytest.mark.parametrize("text", ["CorrelationWindow", "=PT1M", "A=PT1M PT2M"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="must be NAME=VALUE"):
        parse_parameters(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CorrelationWindow=never", r"^CorrelationWindow: 'never' is not an ISO 8601 duration"),
        ("AggregationPeriod=PT7M", r"^AggregationPeriod=PT7M: must divide 15 minutes"),
        ("Bogus=1", r"^Bogus: unknown parameter; .*'retrainCheckMinutes'"),
        ("retrainCheckMinutes=0", r"^retrainCheckMinutes=0: "),
        ("AllowedLatenes=PT1M", r"^AllowedLatenes: unknown parameter; .*'AllowedLateness'"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        parse_parameters(text)


def test_a_webhook_may_be_on_this_machine_unless_that_is_refused_on_purpose() -> None:
    webhook = {"shopping.ActionWebhook": "http://127.0.0.1:8765/"}
    assert parse_parameters(f"{_text(webhook)} useCases=shopping") == {
        **webhook,
        "useCases": "shopping",
    }
    with pytest.raises(ParameterError, match="must be https"):
        parse_parameters(f"{_text(webhook)} useCases=shopping webhookAddresses=public")


def _text(parameters: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def test_use_cases_are_a_parameter_of_their_own() -> None:
    assert parse_parameters("streamShards=4", " adtech, ") == {
        "streamShards": "4",
        "useCases": "adtech",
    }
    with pytest.raises(ParameterError, match="useCases=adtech,shops: must be one or more of"):
        parse_parameters("", "adtech shops")
    with pytest.raises(CommandError, match="useCases and --use-cases: give one of them"):
        parse_parameters("useCases=adtech", "adtech")


def test_one_use_case_and_one_application_have_settings_of_their_own() -> None:
    text = "adtech.MaxAmount=7 applications=old=adtech old.flinkParallelism=3"
    assert parse_parameters(text)["old.flinkParallelism"] == "3"
    for wrong in ("adtech.Bogus=7", "old.flinkParallelism=3", "adtech.rateLimit=3", "a.b.c=1"):
        with pytest.raises(ParameterError, match=wrong.partition("=")[0]):
            parse_parameters(wrong)


@pytest.mark.parametrize("variable", ["SDP_EMULATOR_PORT", "SDP_FLINK_PORT", "SDP_SAGEMAKER_PORT"])
def test_a_port_in_use_is_refused_with_its_holder_and_variable_before_any_work(
    tmp_path: Path, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        places = {
            "SDP_HOME": str(tmp_path),
            **{name: str(free_port()) for name in PORTS},
            variable: str(other.getsockname()[1]),
        }
        with pytest.raises(CommandError) as refused:
            platform.up(Settings.load(places), {}, platform.Steps())
    us = f"{psutil.Process().name()} (pid {os.getpid()})"
    assert str(refused.value) == (
        f"port {places[variable]} is in use by {us}: end that, or choose another with {variable}=…"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_while_the_job_is_down_is_in_the_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        places = {"SDP_HOME": str(tmp_path), **{name: str(free_port()) for name in PORTS}}
        settings = Settings.load({**places, "SDP_FLINK_PORT": str(port)})
        wanted = Application("shop", 1, True, "bucket", "key", 1, ())
        FlinkWorker(settings, "shop").follow(wanted)
    (state,) = flink_status.states(settings)
    assert state["state"] == "waiting"
    assert f"port {port} is in use by" in state["error"]
    assert "SDP_FLINK_PORT" in state["error"]


@pytest.mark.parametrize("part", ["emulator", "sagemaker"])
def test_a_port_that_is_taken_while_its_part_is_down_is_in_the_status(
    tmp_path: Path, part: str
) -> None:
    variable = f"SDP_{part.upper()}_PORT"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        places = {"SDP_HOME": str(tmp_path), **{name: str(free_port()) for name in PORTS}}
        settings = Settings.load({**places, variable: str(port)})
        found = {c.name: c for c in components(settings, datetime.now(UTC))}
    assert f"port {port} is in use by" in found[part].detail
    assert variable in found[part].detail
