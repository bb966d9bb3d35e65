"""What a text of SQL begins to do, told from its words: whether it only asks.

Athena runs whatever it is sent with the caller's rights; some statements change the catalog or
write objects. This knows no grammar: what it cannot read as one question it refuses.
"""

from __future__ import annotations

import re

from sdpctl.errors import CommandError

QUESTIONS = ("SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN")
_TABLES = "tables follow their definitions in usecases/: change those, then 'make up'"
_ROWS = "rows come as events: './sdp send'; what is there is kept for its lifetime"
_FILES = "a result is written by --csv or --json"
_INSTEAD = {
    **dict.fromkeys(("CREATE", "DROP", "ALTER", "MSCK"), _TABLES),
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"), _ROWS),
    **dict.fromkeys(("UNLOAD", "COPY"), _FILES),
    **dict.fromkeys(("OPTIMIZE", "VACUUM"), "files are merged by './sdp compact'"),
    "USE": "a database is chosen by --use-case",
}
_PIECE = re.compile(
    r"""(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`)   # nothing in these is SQL
      | (?P<comment>--[^\n]*|/\*.*?\*/|\s+)
      | (?P<word>\w+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
# Athena runs what EXPLAIN ANALYZE explains.
_BEFORE_EXPLAINED = ("ANALYZE", "VERBOSE")


def require_question(sql: str) -> None:
    """Raise CommandError unless this is one statement that only asks."""
    pieces = [(m.lastgroup, m[0].upper()) for m in _PIECE.finditer(sql)]
    said = [piece for piece in pieces if piece[0] != "comment"]
    while said and said[-1][1] == ";":
        said.pop()
    if not said:
        raise CommandError("there is no SQL in that; './sdp sql --list' shows saved queries")
    if ("other", ";") in said:
        raise CommandError("one statement at a time, please: there is a ';' between two")
    first = _first(said)
    if first == "EXPLAIN":
        first = _first(_explained(said))
    if first not in QUESTIONS:
        raise CommandError(_refusal(first))


def _first(said: list[tuple[str | None, str]]) -> str:
    """The first word behind parentheses, or whatever stands in its place."""
    return next((text for _, text in said if text != "("), "")


def _explained(said: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """What follows EXPLAIN and its options, `(FORMAT JSON, …)` and ANALYZE."""
    rest = said[[text for _, text in said].index("EXPLAIN") + 1 :]
    texts = [text for _, text in rest]
    if texts[:1] == ["("] and texts[1:2] in (["TYPE"], ["FORMAT"]) and ")" in texts:
        rest = rest[texts.index(")") + 1 :]
    while rest and rest[0][1] in _BEFORE_EXPLAINED:
        rest = rest[1:]
    return rest


def _refusal(first: str) -> str:
    instead = _INSTEAD.get(first, f"a question begins with {', '.join(QUESTIONS)}")
    return f"{first or 'nothing'!r}: './sdp sql' asks and changes nothing; {instead}"
