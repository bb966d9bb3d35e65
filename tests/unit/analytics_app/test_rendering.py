"""SQL files and their parameters."""

import pytest

from analytics_app.connectors import Files, Kinesis
from analytics_app.rendering import PipelineError, pipeline_statements, render
from usecases import load

VALUES = {"AllowedLateness.ms": "60000"}


@pytest.fixture
def sql_file(tmp_path):
    def write(text):
        path = tmp_path / "10_question.sql"
        path.write_text(text)
        return path

    return write


def test_a_file_loses_its_header_and_gets_its_parameters(sql_file):
    path = sql_file("-- why?\nINSERT INTO x\nSELECT ${AllowedLateness.ms};\n")
    assert pipeline_statements(path, VALUES) == ("INSERT INTO x\nSELECT 60000",)


def test_a_file_may_have_several_statements(sql_file):
    path = sql_file("CREATE TEMPORARY TABLE x (`a;` INT);\nINSERT INTO x\nSELECT 1;\n")
    assert pipeline_statements(path, {}) == (
        "CREATE TEMPORARY TABLE x (`a;` INT)",
        "INSERT INTO x\nSELECT 1",
    )


def test_an_unknown_parameter_is_named_with_its_file_and_the_choices(sql_file):
    path = sql_file("INSERT INTO x SELECT ${lateness}")
    with pytest.raises(PipelineError, match=r"10_question\.sql.*lateness.*AllowedLateness\.ms"):
        pipeline_statements(path, VALUES)


def test_a_statement_that_does_something_else_is_refused(sql_file):
    with pytest.raises(PipelineError, match="10_question"):
        pipeline_statements(sql_file("INSERT INTO y SELECT 1;\nDROP TABLE x"), VALUES)


@pytest.mark.parametrize("use_case", load().use_cases, ids=lambda u: u.name)
def test_files_name_no_storage_and_open_with_the_question_and_what_they_show(use_case):
    for path in use_case.pipeline:
        first, second, third, *rest = path.read_text().splitlines()
        assert first.startswith("-- ") and first.endswith("?"), path
        assert second.startswith("-- Shows: "), path
        assert third.startswith("-- "), path
        assert not any(word in "\n".join(rest).lower() for word in ("kinesis", "filesystem")), path


def test_tables_are_named_by_their_streams():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    tables = [d.split("`")[1] for d in sql.definitions if d.startswith("CREATE TEMPORARY TABLE `")]
    assert tables == [*(s.replace("-", "_") for s in use_case.streams), "sdp_ledger"]


def test_every_stream_but_the_events_is_written():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    written = {insert.split()[2].strip("`") for insert in sql.inserts}
    assert written - {"auctions", "scoring", "sdp_ledger"} == {
        s.replace("-", "_") for s in use_case.streams
    } - {"bcns"}


def test_what_is_correlated_is_written_before_its_ports_are_read():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    assert sql.inserts[0].startswith("INSERT INTO auctions\n")


def test_malformed_records_become_dead_letters_once():
    """Of what `${checks}` has checked among the refused, of any other from the view."""
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    letters = [i for i in sql.inserts if i.startswith("INSERT INTO `dead_letters`")]
    assert len(letters) == 1 and "FROM `refused`" in letters[0]


def test_the_watermark_is_as_far_behind_as_the_deployment_says():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({"WatermarkDelay": "PT2M"}), Files("/data"))
    (table,) = [d for d in sql.definitions if "WATERMARK FOR" in d]
    assert "`event_time` - INTERVAL '0 00:02:00' DAY(3) TO SECOND" in table


def test_what_reaches_no_operator_is_counted_by_the_platform():
    use_case = load(("shopping",)).use_case("shopping")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    (counted,) = [i for i in sql.inserts if i.startswith("INSERT INTO `sdp_decided`")]
    assert "'malformed'\nFROM `checked`\nWHERE `violation` IS NOT NULL" in counted
    assert counted.endswith("'filtered'\nFROM `left_out`")
    (totals,) = [d for d in sql.definitions if "VIEW `sdp_ledger_totals` " in d]
    assert "FROM `outcomes`\n  UNION ALL\n" in totals and "FROM `sdp_decided_outcomes`" in totals


def test_what_an_operator_checks_is_not_counted_again():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    assert not any("sdp_decided" in s for s in (*sql.definitions, *sql.inserts))


def test_outcomes_are_written_to_the_stream_of_the_progress():
    use_case = load(("adtech",)).use_case("adtech")
    streams = {("adtech", s): f"arn:aws:kinesis:us-east-1:0:stream/{s}" for s in use_case.streams}
    sql = render(
        use_case, use_case.configured({}), Kinesis(streams, "us-east-1", tables={"adtech": "t"})
    )
    (table,) = [d for d in sql.definitions if "TABLE `sdp_ledger`" in d]
    assert "stream/progress'" in table and "PARTITIONED BY (`minute`)" in table
    assert sql.inserts[-1].startswith("INSERT INTO `sdp_ledger`")
