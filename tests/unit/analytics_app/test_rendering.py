"""SQL files and their parameters."""

import pytest

from analytics_app.connectors import Files
from analytics_app.rendering import PipelineError, pipeline_statement, render
from glue.parameters import Parameters
from usecases import load

VALUES = {"allowed_lateness_ms": "60000"}


@pytest.fixture
def sql_file(tmp_path):
    def write(text):
        path = tmp_path / "10_question.sql"
        path.write_text(text)
        return path

    return write


def test_a_file_loses_its_header_and_gets_its_parameters(sql_file):
    path = sql_file("-- why?\nINSERT INTO x\nSELECT ${allowed_lateness_ms};\n")
    assert pipeline_statement(path, VALUES) == "INSERT INTO x\nSELECT 60000"


def test_an_unknown_parameter_is_named_with_its_file_and_the_choices(sql_file):
    path = sql_file("INSERT INTO x SELECT ${lateness}")
    with pytest.raises(PipelineError, match=r"10_question\.sql.*lateness.*allowed_lateness_ms"):
        pipeline_statement(path, VALUES)


def test_a_statement_that_does_something_else_is_refused(sql_file):
    with pytest.raises(PipelineError, match="10_question"):
        pipeline_statement(sql_file("DROP TABLE x"), VALUES)


@pytest.mark.parametrize("use_case", load().use_cases, ids=lambda u: u.name)
def test_files_name_no_connector_and_open_with_the_question_and_what_they_show(use_case):
    for path in use_case.pipeline:
        first, second, third, *rest = path.read_text().splitlines()
        assert first.startswith("-- ") and first.endswith("?"), path
        assert second.startswith("-- Shows: "), path
        assert third.startswith("-- "), path
        assert not any(word in "\n".join(rest).lower() for word in ("kinesis", "connector")), path


def test_tables_are_named_by_their_streams():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, Parameters.parse({}), Files("/data"))
    tables = [d.split("`")[1] for d in sql.definitions if d.startswith("CREATE TEMPORARY TABLE")]
    assert tables == [s.replace("-", "_") for s in use_case.streams]


def test_every_stream_but_the_events_is_written():
    use_case = load(("adtech",)).use_case("adtech")
    sql = render(use_case, Parameters.parse({}), Files("/data"))
    written = {insert.split()[2].strip("`") for insert in sql.inserts}
    assert written == {s.replace("-", "_") for s in use_case.streams} - {"bcns"}
