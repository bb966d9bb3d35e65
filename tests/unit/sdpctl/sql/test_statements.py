"""Only questions go to Athena, one at a time."""

import pytest

from sdpctl.errors import CommandError
from sdpctl.sql.statements import require_question


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "-- drop table x\nSELECT 1 ;\n-- the end\n",
        "/* DROP TABLE x; */ ((SELECT 1))",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES 1, 2",
        "SHOW TABLES",
        "DESCRIBE parquet_bcns",
        "desc parquet_bcns",
        "EXPLAIN SELECT 1",
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "EXPLAIN ANALYZE VERBOSE SELECT 1",
        "EXPLAIN (SELECT 1)",
        "SELECT 'a;b', 'it''s; DROP', \"odd;name\"",
    ],
)
def test_a_question_passes(sql: str) -> None:
    require_question(sql)


@pytest.mark.parametrize(
    ("sql", "word", "instead"),
    [
        ("DROP TABLE parquet_bcns", "DROP", "make up"),
        ("  /* SELECT */ -- SELECT\n drop\ttable x", "DROP", "make up"),
        ("(DROP TABLE x)", "DROP", "make up"),
        ("ALTER TABLE x ADD COLUMNS (a int)", "ALTER", "make up"),
        ("MSCK REPAIR TABLE x", "MSCK", "make up"),
        ("CREATE EXTERNAL TABLE x (a int) LOCATION 's3://b/'", "CREATE", "make up"),
        ("INSERT INTO x SELECT 1", "INSERT", "sdp send"),
        ("DELETE FROM x", "DELETE", "sdp send"),
        ("UNLOAD (SELECT 1) TO 's3://b/'", "UNLOAD", "--csv"),
        ("OPTIMIZE x REWRITE DATA", "OPTIMIZE", "compact"),
        ("USE other", "USE", "--use-case"),
        ("EXECUTE x", "EXECUTE", "starts with SELECT"),
        ("EXPLAIN ANALYZE INSERT INTO x SELECT 1", "INSERT", "sdp send"),
        ("EXPLAIN (FORMAT JSON) ANALYZE DROP TABLE x", "DROP", "make up"),
        ("EXPLAIN", "nothing", "starts with SELECT"),
        ("'SELECT' DROP", "'SELECT'", "starts with SELECT"),
        ("/* SELECT", "/", "starts with SELECT"),
    ],
)
def test_what_is_no_question_is_named_and_what_to_do_instead(
    sql: str, word: str, instead: str
) -> None:
    with pytest.raises(CommandError) as raised:
        require_question(sql)
    message = str(raised.value)
    assert word in message.partition(": './sdp sql' only reads")[0]
    assert instead in message


@pytest.mark.parametrize(
    "sql", ["SELECT 1; DROP TABLE x", "SELECT 1;; SELECT 2", "SELECT 'a''b'; DELETE"]
)
def test_several_statements_are_refused(sql: str) -> None:
    with pytest.raises(CommandError, match="one statement at a time"):
        require_question(sql)


@pytest.mark.parametrize("sql", ["", " \n", ";", "-- a thought"])
def test_nothing_is_refused_before_athena_sees_it(sql: str) -> None:
    with pytest.raises(CommandError, match="the statement is empty"):
        require_question(sql)
