"""The platform adds to a pipeline only what its use case declares, whatever its shape."""

import pytest

from analytics_app.connectors import Files
from analytics_app.rendering import PipelineError, render
from tests.unit.analytics_app.pipelines import VIEW, Gate, GateJam, GateState, Passage, stadium


def _render(use_case):
    return render(use_case, use_case.configured({}), Files("/data"))


def _inserts(use_case):
    return [insert.split()[2].strip("`") for insert in _render(use_case).inserts]


def test_events_alone_give_progress_and_the_dead_letters_of_decoding(tmp_path):
    assert _inserts(stadium(tmp_path, Passage)) == ["progress", "dead_letters"]


def test_a_report_is_written_from_the_view_that_is_named_as_it(tmp_path):
    use_case = stadium(tmp_path, Passage, Gate, pipeline=VIEW.format("gates"))
    sql = _render(use_case)
    assert "FROM `gates_changelog`" in sql.inserts[0]
    assert any(d.startswith("CREATE TEMPORARY VIEW `gates_changelog`") for d in sql.definitions)


def test_a_record_is_written_by_name_from_the_view_that_is_named_as_it(tmp_path):
    use_case = stadium(tmp_path, Passage, GateJam, pipeline=VIEW.format("gate_jam"))
    assert (
        _render(use_case).inserts[0]
        == "INSERT INTO `jams`\nSELECT `gate`, `since`\nFROM `gate_jam`"
    )


def test_a_record_may_be_written_by_an_insert_of_the_pipeline(tmp_path):
    use_case = stadium(tmp_path, Passage, GateJam, pipeline="INSERT INTO jams\nSELECT 1")
    assert _inserts(use_case) == ["jams", "progress", "dead_letters"]


def test_what_no_file_creates_is_named(tmp_path):
    use_case = stadium(tmp_path, Passage, GateJam, Gate, pipeline=VIEW.format("other"))
    message = "creates the view `gates` for report Gate, the view `gate_jam` for record GateJam"
    with pytest.raises(PipelineError, match=message):
        _render(use_case)


def test_what_a_pipeline_refuses_becomes_dead_letters_beside_those_of_decoding(tmp_path):
    use_case = stadium(tmp_path, Passage, pipeline=VIEW.format("refused"))
    refused, malformed = _render(use_case).inserts[1:]
    assert "FROM `refused`" in refused
    assert "`violation` IS NOT NULL" in malformed


def test_a_pipeline_that_checks_its_events_has_none_checked_beside_it(tmp_path):
    table = "CREATE TEMPORARY TABLE refused (\n  ${events}\n) WITH (\n  'x' = 'y',\n  ${checks}\n)"
    use_case = stadium(tmp_path, Passage, pipeline=table)
    assert _inserts(use_case) == ["progress", "dead_letters"]


def test_each_stream_of_events_has_a_table_checks_and_dead_letters_of_its_own(tmp_path):
    use_case = stadium(tmp_path, Passage, GateState, pipeline=VIEW.format("refused"))
    sql = _render(use_case)
    created = "\n".join(sql.definitions)
    for stream in ("passages", "gate_states"):
        assert f"CREATE TEMPORARY TABLE `{stream}`" in created
        assert (
            f"CREATE TEMPORARY VIEW `decoded_{stream}` AS\nSELECT * FROM `checked_{stream}`"
            in created
        )
    assert "`people`" not in created.split("TABLE `gate_states`")[1].split("WITH")[0]
    refused, *malformed = sql.inserts[1:]
    assert (
        "CASE `type` WHEN 'passage' THEN 'passages' WHEN 'state' THEN 'gate-states' END" in refused
    )
    assert [("`checked_passages`" in i, "ROW('gate-states'" in i) for i in malformed] == [
        (True, False),
        (False, True),
    ]
    assert created.count("WHERE `type` = 'heartbeat'") == 2


def test_its_functions_are_known_in_its_own_database_only(tmp_path):
    use_case = stadium(tmp_path, Passage, functions={"COUNTED": "sdp.functions.Counted"})
    definitions = _render(use_case).definitions
    assert definitions[1:3] == (
        "USE `stadium`",
        "CREATE TEMPORARY FUNCTION COUNTED AS 'sdp.functions.Counted'",
    )


def test_what_a_file_may_name_is_filled_in(tmp_path):
    pipeline = (
        "INSERT INTO jams\nSELECT ${columns.Passage} FROM ${use_case} WHERE gate = ${Door}\n"
        "AND ${Jam.ms} > ${Jam.seconds} AND ${Jam.interval} IS NULL AND ${Jam} = ${MaxAmount}"
    )
    assert _render(stadium(tmp_path, Passage, GateJam, pipeline=pipeline)).inserts[0] == (
        "INSERT INTO jams\nSELECT `gate`, `people` FROM stadium WHERE gate = 'it''s'\n"
        "AND 300000 > 300 AND INTERVAL '0 00:05:00' DAY(3) TO SECOND IS NULL "
        "AND 'PT5M' = 1000000000000"
    )


def test_an_unknown_name_is_refused_with_the_file_and_the_choices(tmp_path):
    use_case = stadium(tmp_path, Passage, GateState, pipeline="INSERT INTO x SELECT ${events}")
    with pytest.raises(
        PipelineError, match=r"10\.sql: 'events' .*'events\.gate_states', 'events\.pa"
    ):
        _render(use_case)
