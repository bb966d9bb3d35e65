"""Whether a SQL text is a single read-only statement, decided from its tokens.

Athena runs any statement with the caller's permissions; some change the catalog or write objects.
This does not parse SQL: it refuses what it does not recognise as one query.
"""

from __future__ import annotations

import re

from sdpctl.errors import CommandError

QUESTIONS = ("SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN")
_TABLES = "tables follow their definitions in usecases/: change those, then 'make up'"
_ROWS = "rows are events: './sdp send' adds them; they expire after their lifetime"
_FILES = "write a result with --csv or --json"
_INSTEAD = {
    **dict.fromkeys(("CREATE", "DROP", "ALTER", "MSCK"), _TABLES),
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"), _ROWS),
    **dict.fromkeys(("UNLOAD", "COPY"), _FILES),
    **dict.fromkeys(("OPTIMIZE", "VACUUM"), "'./sdp compact' merges files"),
    "USE": "--use-case chooses the database",
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
    """Raise CommandError unless this is a single read-only statement."""
    pieces = [(m.lastgroup, m[0].upper()) for m in _PIECE.finditer(sql)]
    tokens = [piece for piece in pieces if piece[0] != "comment"]
    while tokens and tokens[-1][1] == ";":
        tokens.pop()
    if not tokens:
        raise CommandError("the statement is empty; './sdp sql --list' shows saved queries")
    if ("other", ";") in tokens:
        raise CommandError("only one statement at a time; there is a ';' between two")
    first = _first(tokens)
    if first == "EXPLAIN":
        first = _first(_explained(tokens))
    if first not in QUESTIONS:
        raise CommandError(_refusal(first))


def _first(tokens: list[tuple[str | None, str]]) -> str:
    """The first word after parentheses, or the token in its place."""
    return next((text for _, text in tokens if text != "("), "")


def _explained(tokens: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """What follows EXPLAIN and its options, `(FORMAT JSON, …)` and ANALYZE."""
    rest = tokens[[text for _, text in tokens].index("EXPLAIN") + 1 :]
    texts = [text for _, text in rest]
    if texts[:1] == ["("] and texts[1:2] in (["TYPE"], ["FORMAT"]) and ")" in texts:
        rest = rest[texts.index(")") + 1 :]
    while rest and rest[0][1] in _BEFORE_EXPLAINED:
        rest = rest[1:]
    return rest


def _refusal(first: str) -> str:
    instead = _INSTEAD.get(first, f"a query starts with {', '.join(QUESTIONS)}")
    return f"{first or 'nothing'!r}: './sdp sql' only reads; {instead}"
