"""boto3: what Athena's API answers for statements, parameters, results and errors."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlparse

import boto3
import pytest
from botocore.exceptions import ClientError

ATHENA, S3 = boto3.client("athena"), boto3.client("s3")
DATABASE = {"Database": "sdp_adtech"}
TABLE = "parquet_impressions"


def execution(sql: str, *parameters: str, **more: Any) -> dict[str, Any]:
    """The execution of a query when it has ended."""
    given = {"ExecutionParameters": list(parameters)} if parameters else {}
    started = ATHENA.start_query_execution(
        QueryString=sql,
        WorkGroup="sdp-adtech",
        **{"QueryExecutionContext": DATABASE, **given, **more},
    )
    while True:
        found = ATHENA.get_query_execution(QueryExecutionId=started["QueryExecutionId"])
        done: dict[str, Any] = found["QueryExecution"]
        if done["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return done


def result(sql: str, *parameters: str, **more: Any) -> dict[str, Any]:
    """GetQueryResults of a query that succeeds."""
    done = execution(sql, *parameters, **more)
    assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
    found: dict[str, Any] = ATHENA.get_query_results(QueryExecutionId=done["QueryExecutionId"])
    return found["ResultSet"]


def rows(sql: str, *parameters: str, **more: Any) -> list[list[str | None]]:
    return [
        [cell.get("VarCharValue") for cell in row["Data"]]
        for row in result(sql, *parameters, **more)["Rows"]
    ]


def content(uri: str) -> str:
    place = urlparse(uri)
    body = S3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()
    return str(body.decode())


def test_a_result_is_one_object_at_its_output_location_with_metadata_beside_it() -> None:
    done = execution("SELECT 1 AS n, 'a\"b' AS t, '' AS e, CAST(NULL AS VARCHAR) AS m")
    location = done["ResultConfiguration"]["OutputLocation"]
    assert location.endswith(f"/athena/adtech/{done['QueryExecutionId']}.csv")
    text = content(location)
    assert text == '"n","t","e","m"\n"1","a""b","",\n'
    assert list(csv.reader(io.StringIO(text)))[1] == ["1", 'a"b', "", ""]
    assert content(f"{location}.metadata")
    assert (done["StatementType"], done["SubstatementType"]) == ("DML", "SELECT")


@pytest.mark.parametrize(
    ("sql", "subtype", "first"),
    [
        ("SHOW TABLES", "SHOW_TABLES", "parquet_impressions\n"),
        ("SHOW DATABASES LIKE 'sdp_*'", "SHOW_DATABASES", "sdp_adtech\n"),
        ("SHOW PARTITIONS parquet_impressions", "SHOW_PARTITIONS", "date=2026-11-21/hour=09\n"),
        ("DESCRIBE parquet_impressions", "DESCRIBE_TABLE", "tx_id               \tstring   "),
        ("EXPLAIN SELECT 1", "EXPLAIN", "╭"),
    ],
)
def test_other_statements_have_a_text_without_a_header(sql: str, subtype: str, first: str) -> None:
    done = execution(sql)
    assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
    assert (done["StatementType"], done["SubstatementType"]) == ("UTILITY", subtype)
    location = done["ResultConfiguration"]["OutputLocation"]
    assert location.endswith(f"{done['QueryExecutionId']}.txt")
    assert content(location).startswith(first)
    assert content(f"{location}.metadata")


def test_columns_have_athenas_types_precision_and_nullability() -> None:
    sql = """SELECT true a, CAST(1 AS TINYINT) b, 1 c, 2 * CAST(1 AS BIGINT) d, CAST(1 AS REAL) e,
      0.5E0 f, CAST(1.25 AS DECIMAL(10, 2)) g, 'x' h, DATE '2026-11-21' i,
      TIMESTAMP '2026-11-21 10:00:00' j, from_unixtime(0) k, ARRAY[1] l, to_utf8('x') m,
      MAP(ARRAY['k'], ARRAY[1]) n, sum(c) o FROM (VALUES (1)) t(c)"""
    info = result(sql)["ResultSetMetadata"]["ColumnInfo"]
    found = {c["Name"]: (c["Type"], c["Precision"], c["Scale"], c["CaseSensitive"]) for c in info}
    assert found == {
        "a": ("boolean", 0, 0, False),
        "b": ("tinyint", 3, 0, False),
        "c": ("integer", 10, 0, False),
        "d": ("bigint", 19, 0, False),
        "e": ("float", 17, 0, False),
        "f": ("double", 17, 0, False),
        "g": ("decimal", 10, 2, False),
        "h": ("varchar", 2**31 - 1, 0, True),
        "i": ("date", 0, 0, False),
        "j": ("timestamp", 3, 0, False),
        "k": ("timestamp with time zone", 3, 0, False),
        "l": ("array", 0, 0, False),
        "m": ("varbinary", 2**30, 0, False),
        "n": ("map", 0, 0, False),
        "o": ("bigint", 19, 0, False),
    }
    assert {(c["Nullable"], c["CatalogName"], c["SchemaName"]) for c in info} == {
        ("UNKNOWN", "hive", "")
    }


def test_values_are_written_as_athena_writes_them() -> None:
    sql = """SELECT true, 1.0E10, 1.5E-5, 0.1E0, CAST(0.1 AS REAL), ARRAY[1, NULL],
      CAST('NaN' AS DOUBLE)"""
    assert rows(sql)[1] == ["true", "1.0E10", "1.5E-5", "0.1", "0.1", "[1, null]", "NaN"]


@pytest.mark.parametrize(
    "sql",
    [
        f'SELECT count(DISTINCT tx_id) AS n FROM "awsdatacatalog"."sdp_adtech"."{TABLE}"',
        f'SELECT count(DISTINCT tx_id) AS n FROM "AwsDataCatalog"."SDP_ADTECH"."{TABLE.upper()}"',
        f"SELECT count(DISTINCT tx_id) AS n FROM AWSDATACATALOG.sdp_adtech.{TABLE}",
    ],
)
def test_names_are_the_same_in_letters_of_either_case(sql: str) -> None:
    for name in ("AwsDataCatalog", "awsdatacatalog", "AWSDATACATALOG"):
        context = {"Database": "Sdp_Adtech", "Catalog": name}
        assert rows(sql, QueryExecutionContext=context) == [["n"], ["3"]]
        assert ATHENA.get_data_catalog(Name=name)["DataCatalog"]["Type"] == "GLUE"
        listed = ATHENA.list_table_metadata(CatalogName=name, DatabaseName="sdp_adtech")
        assert [t["Name"] for t in listed["TableMetadataList"]] == [TABLE]
        table = ATHENA.get_table_metadata(
            CatalogName=name, DatabaseName="sdp_adtech", TableName=TABLE
        )
        keys = table["TableMetadata"]["PartitionKeys"]
        assert [(key["Name"], key["Type"]) for key in keys] == [
            ("date", "string"),
            ("hour", "string"),
        ]


def test_an_unknown_table_database_or_catalog_is_an_error_of_the_api() -> None:
    known = {"CatalogName": "AwsDataCatalog", "DatabaseName": "sdp_adtech", "TableName": TABLE}
    for wrong in ({"DatabaseName": "nope"}, {"TableName": "nope"}):
        with pytest.raises(ATHENA.exceptions.MetadataException, match="EntityNotFoundException"):
            ATHENA.get_table_metadata(**{**known, **wrong})
    with pytest.raises(ATHENA.exceptions.InvalidRequestException, match="nope"):
        ATHENA.list_databases(CatalogName="nope")


def test_parameters_replace_question_marks_and_nothing_else() -> None:
    sql = "SELECT '?' AS q, ? AS n, ? AS t -- ?"
    assert rows(sql, "1 + 1", "'it''s'")[1] == ["?", "2", "it's"]
    found = rows(f"SELECT count(*) AS n FROM {TABLE} WHERE campaign_item_id = ?", "2")
    assert found[1] == ["1"]


@pytest.mark.parametrize(
    "parameter", ["1) OR (1 = 1", "1; DROP TABLE x", "1, 2", "'open", "1 FROM x"]
)
def test_a_parameter_is_one_expression(parameter: str) -> None:
    status = execution("SELECT 1 WHERE 1 = ?", parameter)["Status"]
    assert status["State"] == "FAILED"


def test_too_few_or_too_many_parameters_are_an_error() -> None:
    reason = execution("SELECT ?, ?", "1")["Status"]["StateChangeReason"]
    assert "Incorrect number of parameters: expected 2 but found 1" in reason
    assert execution("SELECT 1", "1")["Status"]["State"] == "FAILED"


def test_show_and_describe_say_what_glue_has() -> None:
    assert rows("SHOW TABLES") == [[TABLE]]
    assert rows("SHOW TABLES IN sdp_adtech 'raw*|parquet_i*'") == [[TABLE]]
    assert rows("SHOW TABLES LIKE 'raw*'") == []
    assert ["sdp_adtech"] in rows("show schemas")
    columns = [name.strip() for (name,) in rows(f"SHOW COLUMNS IN {TABLE}") if name]
    assert columns[0] == "tx_id"
    assert columns[-2:] == ["date", "hour"]
    assert rows(f"SHOW PARTITIONS sdp_adtech.{TABLE}")[1] == ["date=2026-11-21/hour=10"]


def test_describe_has_names_types_comments_and_partitions() -> None:
    found = result(f"DESCRIBE `{TABLE}`")
    names = [column["Name"] for column in found["ResultSetMetadata"]["ColumnInfo"]]
    assert names == ["col_name", "data_type", "comment"]
    lines = [row["Data"][0]["VarCharValue"] for row in found["Rows"]]
    assert lines[0].split("\t")[:2] == ["tx_id".ljust(20), "string".ljust(20)]
    assert "The auction; joins bid, impression and click." in lines[0]
    assert "# Partition Information\t \t " in lines


def test_show_create_table_is_a_statement_with_every_part() -> None:
    text = "\n".join(str(line) for (line,) in rows(f"SHOW CREATE TABLE {TABLE}"))
    assert text.startswith(
        "CREATE EXTERNAL TABLE `sdp_adtech.parquet_impressions`(\n  `tx_id` string"
    )
    for part in (
        "PARTITIONED BY",
        "ROW FORMAT SERDE",
        "STORED AS INPUTFORMAT",
        "LOCATION\n  's3://",
    ):
        assert part in text


def test_information_schema_has_the_catalog() -> None:
    tables = """SELECT table_schema, table_name, table_type FROM information_schema.tables
      WHERE table_schema = 'sdp_adtech'"""
    assert rows(tables)[1:] == [["sdp_adtech", TABLE, "BASE TABLE"]]
    columns = """SELECT column_name, data_type, is_nullable, extra_info
      FROM awsdatacatalog.information_schema.columns
      WHERE table_name = ? AND column_name IN ('occurred_at', 'win_price', 'hour')
      ORDER BY ordinal_position"""
    assert rows(columns, f"'{TABLE}'")[1:] == [
        ["win_price", "bigint", "YES", None],
        ["occurred_at", "timestamp(3)", "YES", None],
        ["hour", "varchar", "YES", "partition key"],
    ]
    assert ["sdp_adtech"] in rows("SELECT schema_name FROM information_schema.schemata")


@pytest.mark.parametrize(
    ("options", "column"),
    [
        ("", "Query Plan"),
        ("(FORMAT JSON)", "Query Plan"),
        ("(TYPE VALIDATE)", "Valid"),
        ("ANALYZE", "Query Plan"),
    ],
)
def test_explain_has_a_plan(options: str, column: str) -> None:
    found = result(f"EXPLAIN {options} SELECT count(*) FROM {TABLE}")
    assert [c["Name"] for c in found["ResultSetMetadata"]["ColumnInfo"]] == [column]
    assert found["Rows"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "SELECT nothing FROM parquet_impressions",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved or requester",
        ),
        (
            "SELECT 1\nFROM nowhere",
            "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.sdp_adtech.nowhere' does not exist",
        ),
        ("SELECT 1 FROM nodb.nowhere", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nodb' does not exist"),
        (
            "SELECT nofunction(1)",
            "FUNCTION_NOT_FOUND: line 1:8: Function 'nofunction' not registered",
        ),
        ("SELECT CAST('x' AS INTEGER)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to "),
        (
            "SELECT tx_id, count(*) FROM parquet_impressions",
            "EXPRESSION_NOT_AGGREGATE: 'tx_id' must be an aggregate expression",
        ),
        (
            "SELECT sum(9223372036854775807) FROM (VALUES (1), (2)) t(n)",
            "NUMERIC_VALUE_OUT_OF_RANGE: ",
        ),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
        (
            "SHOW TABLES IN nodb",
            "FAILED: SemanticException [Error 10072]: Database does not exist: nodb",
        ),
        (
            "DESCRIBE nowhere",
            "FAILED: SemanticException [Error 10001]: Table not found sdp_adtech.nowhere",
        ),
        ("DROP TABLE parquet_impressions", "NOT_SUPPORTED: "),
        ("CREATE TABLE x AS SELECT 1 AS n", "NOT_SUPPORTED: "),
    ],
)
def test_a_failed_query_has_athenas_code_and_error(sql: str, reason: str) -> None:
    done = execution(sql)
    status = done["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(reason)
    assert status["AthenaError"]["ErrorCategory"] == 2
    assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
    with pytest.raises(ClientError, match="Final query state: FAILED"):
        ATHENA.get_query_results(QueryExecutionId=done["QueryExecutionId"])


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT count(*) FROM GROUP", "line 1:22: mismatched input 'GROUP'"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
        ("SHOW", "SHOW is followed by none of its objects"),
    ],
)
def test_what_is_no_statement_is_refused_at_once(sql: str, message: str) -> None:
    with pytest.raises(ATHENA.exceptions.InvalidRequestException) as refused:
        execution(sql)
    assert message in str(refused.value)
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_a_workgroup_that_does_not_exist_and_a_query_that_does_not_are_errors() -> None:
    with pytest.raises(
        ATHENA.exceptions.InvalidRequestException, match="WorkGroup nope is not found"
    ):
        ATHENA.start_query_execution(QueryString="SELECT 1", WorkGroup="nope")
    with pytest.raises(ATHENA.exceptions.InvalidRequestException, match="was not found"):
        ATHENA.get_query_results(QueryExecutionId="00000000-0000-0000-0000-000000000000")


def test_the_workgroups_location_overrides_the_clients() -> None:
    own = {"OutputLocation": "s3://results-of-tests/elsewhere/"}
    location = execution("SELECT 1 AS n", ResultConfiguration=own)["ResultConfiguration"][
        "OutputLocation"
    ]
    assert location.startswith("s3://results-of-tests/athena/adtech/")


def test_a_token_sent_again_is_the_same_query() -> None:
    token = "c" * 32
    request = {
        "QueryString": "SELECT 1 AS n",
        "WorkGroup": "sdp-adtech",
        "ClientRequestToken": token,
    }
    ids = {ATHENA.start_query_execution(**request)["QueryExecutionId"] for _ in range(2)}
    assert len(ids) == 1
    with pytest.raises(ATHENA.exceptions.InvalidRequestException, match="Idempotent"):
        ATHENA.start_query_execution(**{**request, "QueryString": "SELECT 2 AS n"})


def test_pages_have_every_row_once_and_the_header_counts_as_one() -> None:
    query = execution("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)")["QueryExecutionId"]
    pages = list(ATHENA.get_paginator("get_query_results").paginate(QueryExecutionId=query))
    found = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert found == ["n", *map(str, range(1, 2501))]
    assert len(pages[0]["ResultSet"]["Rows"]) == 1000
