"""The three forms of a result."""

import csv
import io
import json
from decimal import Decimal

import pytest
from rich.console import Console

from sdpctl.sql.rows import Column, csv_lines, json_lines, size, table

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


def test_bytes_are_written_for_people() -> None:
    assert [size(n) for n in (12, 1500, 2_500_000)] == ["12 B", "1.5 KB", "2.5 MB"]
