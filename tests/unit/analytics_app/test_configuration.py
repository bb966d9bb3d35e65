"""The job's settings stay within what Managed Flink takes from code."""

from pathlib import Path

import pytest

from analytics_app.configuration import configuration, is_allowed, jars
from usecases import load


def test_every_key_the_job_sets_is_allowed():
    assert [k for k in configuration(load().configured({})) if not is_allowed(k)] == []


@pytest.mark.parametrize(
    "key",
    ["parallelism.default", "execution.checkpointing.interval", "state.backend.type", "rest.port"],
)
def test_what_belongs_to_the_runtime_is_not_allowed(key):
    assert not is_allowed(key)


def test_state_outlives_a_week_of_stream_plus_window_and_lateness():
    parameters = load().configured({"CorrelationWindow": "P7D", "AllowedLateness": "P7D"})
    ttl = int(configuration(parameters)["table.exec.state.ttl"].removesuffix(" s"))
    assert ttl > 21 * 86_400


def test_state_of_the_ledger_outlives_an_answer_that_waits_as_long_as_one_may():
    parameters = load(("shopping",)).configured({"AnswerWindow": "P30D"})
    ttl = int(configuration(parameters)["table.exec.state.ttl"].removesuffix(" s"))
    assert ttl > 37 * 86_400


def test_only_a_job_whose_input_ends_emits_a_watermark_after_each_record():
    key = "pipeline.auto-watermark-interval"
    assert configuration(load().configured({}))[key] == "5 ms"
    assert configuration(load().configured({}), bounded=True)[key] == "0 ms"


@pytest.mark.parametrize(("parallelism", "interval"), [(4, "5 ms"), (8, "10 ms"), (64, "80 ms")])
def test_with_many_subtasks_watermarks_are_rarer(parallelism, interval):
    given = configuration(load().configured({}), parallelism)
    assert given["pipeline.auto-watermark-interval"] == interval


def test_the_jar_is_named_once_whoever_names_it(tmp_path):
    jar = tmp_path / "sdp.jar"
    assert jars("", jar) == {}
    jar.touch()
    assert jars("", jar) == {"pipeline.jars": jar.as_uri()}
    assert jars("['file:///code/lib/sdp.jar']", Path(jar)) == {}
