"""The three forms of a result."""

import csv
import io
import json
from decimal import Decimal

import pytest
from rich.console import Console

from sdpctl.sql.rows import Column, csv_lines, json_lines, result, size, table

COLUMNS = [Column("id", "varchar"), Column("n", "bigint"), Column("ok", "boolean")]
ROWS = [["a,b", 1, True], ["", None, False], [None, 3, None]]


def test_json_is_an_array_of_objects_with_numbers_and_nulls() -> None:
    assert json.loads("\n".join(json_lines(COLUMNS, ROWS))) == [
        {"id": "a,b", "n": 1, "ok": True},
        {"id": "", "n": None, "ok": False},
        {"id": None, "n": 3, "ok": None},
    ]
    assert "".join(json_lines(COLUMNS, [])) == "[]"


def test_a_decimal_is_a_json_number_unless_digits_were_lost() -> None:
    rows = [[Decimal("1.5")], [Decimal("0.12345678901234567890")]]
    found = json.loads("".join(json_lines([Column("d", "decimal")], rows)))
    assert found == [{"d": 1.5}, {"d": "0.12345678901234567890"}]


def test_csv_tells_null_from_empty_text() -> None:
    lines = list(csv_lines(COLUMNS, ROWS))
    assert lines == ["id,n,ok", '"a,b",1,true', '"",,false', ",3,"]
    assert list(csv.reader(io.StringIO("\n".join(lines))))[1] == ["a,b", "1", "true"]


def test_a_table_shows_types_and_nulls_and_takes_no_text_for_markup() -> None:
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(table(COLUMNS, [["[red]x[/red]", 1, True], [None, None, None]]))
    text = console.export_text()
    assert "bigint" in text
    assert "[red]x[/red]" in text
    assert text.count("NULL") == 3


@pytest.mark.parametrize(
    ("found", "shown"),
    [(":x: [b]bold[/b] \\[", ":x: [b]bold[/b] \\["), ("\x1b[31mred\r", "\\x1b[31mred\\x0d")],
)
def test_text_is_no_emoji_and_moves_no_terminal(found: str, shown: str) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(table([Column(found, "varchar")], [[found]]))
    assert console.file.getvalue().count(shown) == 2


WIDE = [Column(f"column_number_{n:02}", "varchar") for n in range(13)]


def _shown(columns: list[Column], rows: list[list[object]], vertical: bool | None = None) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(result(console, columns, rows, vertical))
    return str(console.file.getvalue())


def test_a_row_wider_than_the_terminal_has_a_line_for_each_column() -> None:
    lines = _shown(WIDE, [[f"value {n}" for n in range(13)], [None] * 13]).splitlines()
    assert [line.rstrip() for line in lines[1:3]] == [
        "column_number_00  value 0",
        "column_number_01  value 1",
    ]
    assert lines[0].startswith("row 1 ─")
    assert lines[14].startswith("row 2 ─")
    assert lines[15].split() == ["column_number_00", "NULL"]
    assert max(map(len, lines)) == 80


def test_a_value_that_is_longer_than_the_line_is_folded_and_whole() -> None:
    lines = _shown([Column("id", "varchar"), Column("body", "varchar")], [["a", "x" * 200]])
    assert lines.count("x") == 200
    assert max(map(len, lines.splitlines())) <= 80


def test_a_table_that_fits_stays_a_table_and_one_column_too() -> None:
    assert "bigint" in _shown(COLUMNS, [["a", 1, True]])
    assert "varchar" in _shown([Column("plan", "varchar")], [["x" * 200]])


def test_either_form_can_be_chosen() -> None:
    assert _shown(COLUMNS, [["a", 1, True]], vertical=True).startswith("row 1 ")
    assert _shown(WIDE, [["v"] * 13], vertical=False).startswith("┏━")


def test_bytes_are_written_for_people() -> None:
    assert [size(n) for n in (12, 1500, 2_500_000)] == ["12 B", "1.5 KB", "2.5 MB"]
