"""SQL as words: enough to know a statement's kind, its names and its parameters; no grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<other>\d+|.)""",
    re.VERBOSE | re.DOTALL,
)


class Word(NamedTuple):
    """A token and where it starts; `value` has no quotes, and a bare name is in lower case."""

    kind: str
    text: str
    start: int

    @property
    def value(self) -> str:
        """What the token means."""
        if self.kind in ("text", "quoted"):
            mark = self.text[0]
            return self.text[1:-1].replace(mark * 2, mark)
        return self.text.lower()

    @property
    def is_name(self) -> bool:
        """Whether it can name a database, table or column."""
        return self.kind in ("name", "quoted")


def words(sql: str) -> list[Word]:
    """All tokens but comments, spaces and the semicolons at the end."""
    matches = [
        Word(str(match.lastgroup), match[0], match.start())
        for match in _TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]
    while matches and matches[-1].text == ";":
        matches.pop()
    return matches


def position(sql: str, name: str) -> str:
    """Where the name first appears, as Trino says it: `line 1:8`."""
    start = next((w.start for w in words(sql) if w.is_name and w.value == name.lower()), 0)
    before = sql[:start]
    return f"line {before.count(chr(10)) + 1}:{start - (before.rfind(chr(10)) + 1) + 1}"


class Reader:
    """Reads a statement word by word."""

    def __init__(self, sql: str) -> None:
        self._words = words(sql)
        self._next = 0

    def peek(self) -> Word | None:
        """The next word, if there is one."""
        return self._words[self._next] if self._next < len(self._words) else None

    def take(self, *choices: str) -> str | None:
        """The next word in lower case if it is one of the choices, which is then read."""
        word = self.peek()
        if word is None or word.kind == "quoted" or word.text.lower() not in choices:
            return None
        self._next += 1
        return word.text.lower()

    def name(self) -> str | None:
        """The next word if it is a name."""
        word = self.peek()
        if word is None or not word.is_name:
            return None
        self._next += 1
        return word.value.lower()

    def text(self) -> str | None:
        """The next word if it is a text in single quotes."""
        word = self.peek()
        if word is None or word.kind != "text":
            return None
        self._next += 1
        return word.value

    def rest(self) -> Iterator[Word]:
        """The words that are not read yet."""
        yield from self._words[self._next :]
