"""Saved queries: a question, declared parameters, and values that stay values."""

from datetime import UTC, datetime

import pytest

from sdpctl.sql.saved import SavedQueryError, parse

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
TEXT = """-- Which things are there?
-- Shows: a filter.
-- Parameter name text: Their name.
-- Parameter limit integer = 10: How many: at most.
SELECT * FROM things
WHERE name = ${name} -- only those
LIMIT ${limit}
"""


def test_the_header_declares_what_the_statement_uses() -> None:
    query = parse("things", TEXT)
    assert query.question == "Which things are there?"
    assert [(p.name, p.type, p.default, p.doc) for p in query.parameters] == [
        ("name", "text", None, "Their name."),
        ("limit", "integer", "10", "How many: at most."),
    ]


def test_values_are_filled_in_as_literals() -> None:
    sql = parse("things", TEXT).sql({"name": "it's ${limit}"}, NOW)
    assert "name = 'it''s ${limit}' --" in sql
    assert sql.endswith("LIMIT 10")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, r"parameter name \(Their name\) is missing; add --param name="),
        ({"name": "x", "limit": "1 --"}, r"parameter limit .*'1 --' is not an integer"),
        ({"name": "x", "limt": "1"}, r"unknown parameter 'limt'; parameters: \['name', 'limit'\]"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_said_by_name(given: dict[str, str], wrong: str) -> None:
    with pytest.raises(SavedQueryError, match=wrong):
        parse("things", TEXT).sql(given, NOW)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("SELECT 1", "must be a question"),
        ("-- Things.\nSELECT 1", "must be a question"),
        ("-- What?\n-- Parameter a integer\nSELECT ${a}", "'-- Parameter NAME TYPE"),
        ("-- What?\n-- Parameter a integer: x\nSELECT 1", r"declares \['a'\], uses \[\]"),
        ("-- What?\nSELECT ${a}", r"declares \[\], uses \['a'\]"),
    ],
)
def test_a_file_that_is_not_written_as_a_query_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(SavedQueryError, match=wrong):
        parse("things", text)
