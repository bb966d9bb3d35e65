"""Statements, their parameters and the pages of a result, without an emulator."""

from __future__ import annotations

import pytest

from sdpctl.local.athena.parameters import filled
from sdpctl.local.athena.results import csv, page, txt
from sdpctl.local.athena.statements import Catalogued, StatementError, catalogued, explained, kind
from sdpctl.local.athena.types import athena_text, trino_type


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("-- why\n(SELECT 1)", ("DML", "SELECT", "csv")),
        ("with a as (select 1) select * from a", ("DML", "SELECT", "csv")),
        ("show tables", ("UTILITY", "SHOW_TABLES", "txt")),
        ("EXPLAIN SELECT 1", ("UTILITY", "EXPLAIN", "txt")),
        ("CREATE EXTERNAL TABLE x (a int)", ("DDL", "CREATE_TABLE", "txt")),
    ],
)
def test_a_statement_has_athenas_kind(sql: str, found: tuple[str, str, str]) -> None:
    assert (kind(sql).type, kind(sql).subtype, kind(sql).extension) == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("DESCRIBE `a`.`b`;", Catalogued("DESCRIBE_TABLE", "a", "b")),
        ('desc formatted "AwsDataCatalog".a.B', Catalogued("DESCRIBE_TABLE", "a", "b")),
        ("SHOW COLUMNS FROM t IN d", Catalogued("SHOW_COLUMNS", "d", "t")),
        ("SHOW TABLES IN d LIKE 'a*'", Catalogued("SHOW_TABLES", "d", pattern="a*")),
        ("SHOW TBLPROPERTIES t('k')", Catalogued("SHOW_TBLPROPERTIES", None, "t", "k")),
        ("SELECT 'SHOW TABLES'", None),
    ],
)
def test_a_statement_about_the_catalog_is_read(sql: str, found: Catalogued | None) -> None:
    assert catalogued(sql) == found


@pytest.mark.parametrize(
    "sql", ["SHOW", "SHOW TABLES a b", "DESCRIBE", "SHOW CREATE x", "DESC a.b.c.d"]
)
def test_a_statement_that_is_wrongly_written_is_refused(sql: str) -> None:
    with pytest.raises(StatementError):
        catalogued(sql)


def test_the_options_of_explain_are_read_and_an_unknown_one_is_refused() -> None:
    requested = explained("EXPLAIN (TYPE IO, FORMAT JSON) SELECT 1")
    assert requested is not None
    assert (requested.type, requested.format, requested.sql) == ("io", "json", "SELECT 1")
    with pytest.raises(StatementError, match="FORMAT must be one of"):
        explained("EXPLAIN (FORMAT XML) SELECT 1")


def test_parameters_take_the_places_outside_of_texts_and_comments() -> None:
    sql = "SELECT '?', \"?\", ? /* ? */, ? -- ?"
    assert filled(sql, ["1", "'a?'"]) == "SELECT '?', \"?\", (1) /* ? */, ('a?') -- ?"


@pytest.mark.parametrize(
    "parameter", ["1) OR (1 = 1", "1; SELECT 2", "1 FROM x", "'open", "1, 2", ""]
)
def test_a_parameter_is_one_expression(parameter: str) -> None:
    with pytest.raises(StatementError):
        filled("SELECT ?", [parameter])


def test_files_and_pages_hold_every_row_once() -> None:
    rows = [["a", None], ['"', ""]]
    assert csv(["x", "y"], rows) == b'"x","y"\n"a",\n"""",""\n'
    assert txt(rows) == b'a\t\n"\t\n'
    first, following = page(["x", "y"], rows, header=True, start=0, size=2)
    assert [row["Data"][0].get("VarCharValue") for row in first] == ["x", "a"]
    rest, end = page(["x", "y"], rows, header=True, start=following or 0, size=2)
    assert [row["Data"][0].get("VarCharValue") for row in rest] == ['"']
    assert end is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e7, "1.0E7"),
        (-1.25e-4, "-1.25E-4"),
        (9999999.5, "9999999.5"),
        (0.0, "0.0"),
        (1e100, "1.0E100"),
        (None, None),
        (True, "true"),
    ],
)
def test_numbers_are_written_as_java_writes_them(value: object, text: str | None) -> None:
    assert athena_text(value) == text


def test_types_have_trinos_names() -> None:
    assert trino_type("struct<a:string,b:array<map<int,timestamp>>>") == (
        "row(a varchar, b array(map(integer, timestamp(3))))"
    )
