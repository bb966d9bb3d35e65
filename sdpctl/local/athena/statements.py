"""What kind of statement a text is, and the statements about the catalog, which Hive answers.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from dataclasses import dataclass

from sdpctl.local.athena.words import Reader, words

_DML = {
    "select": "SELECT",
    "with": "SELECT",
    "values": "SELECT",
    "table": "SELECT",
    "insert": "INSERT",
    "update": "UPDATE",
    "delete": "DELETE",
    "merge": "MERGE",
    "unload": "UNLOAD",
    "execute": "EXECUTE",
}
_UTILITY = ("show", "describe", "desc", "explain")
# The options of EXPLAIN: https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html
_TYPES, _FORMATS = ("logical", "distributed", "validate", "io"), ("text", "json", "graphviz")


class StatementError(ValueError):
    """The statement is not one of Athena's; the text says why, in Athena's words."""


@dataclass(frozen=True)
class Kind:
    """Athena's names for a kind of statement, and the extension of its result."""

    type: str
    subtype: str
    extension: str

    @property
    def has_header(self) -> bool:
        """Whether the first row of the result is the columns' names."""
        return self.type == "DML"


@dataclass(frozen=True)
class Catalogued:
    """A statement about the catalog: `what` is its subtype; names are in lower case."""

    what: str
    database: str | None = None
    table: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Explained:
    """A statement to explain: SQL without EXPLAIN and its options."""

    sql: str
    type: str = "distributed"
    format: str = "text"
    analyze: bool = False


def kind(sql: str) -> Kind:
    """How Athena classifies the statement."""
    tokens = [word.text.lower() for word in words(sql)]
    first = next((text for text in tokens if text != "("), "")
    if first in _DML:
        return Kind("DML", _DML[first], "csv")
    if first == "explain":
        return Kind("UTILITY", "EXPLAIN", "txt")
    if first in _UTILITY:
        statement = catalogued(sql)
        return Kind("UTILITY", statement.what if statement else first.upper(), "txt")
    subtype = "_".join(text for text in tokens[:3] if text.isalpha() and text != "external")
    return Kind("DDL", subtype.upper(), "txt")


def catalogued(sql: str) -> Catalogued | None:
    """The statement if it is about the catalog; raises StatementError if it is wrongly written."""
    reader = Reader(sql)
    first = reader.take("show", "describe", "desc")
    if first is None:
        return None
    made = _show(reader) if first == "show" else _describe(reader)
    if (left := next(reader.rest(), None)) is not None:
        raise StatementError(f"mismatched input '{left.text}' expecting <EOF>")
    return made


def explained(sql: str) -> Explained | None:
    """What EXPLAIN is to explain; raises StatementError for an unknown option."""
    reader = Reader(sql)
    if reader.take("explain") is None:
        return None
    analyze = reader.take("analyze") is not None
    reader.take("verbose")
    chosen = {"type": "distributed", "format": "text"}
    if (word := reader.peek()) and word.text == "(" and _options_follow(reader):
        _options(reader, chosen)
    word = reader.peek()
    if word is None:
        raise StatementError("mismatched input '<EOF>'")
    return Explained(sql[word.start :], chosen["type"], chosen["format"], analyze)


def _options_follow(reader: Reader) -> bool:
    following = list(reader.rest())[1:2]
    return bool(following) and following[0].text.lower() in ("type", "format")


def _options(reader: Reader, chosen: dict[str, str]) -> None:
    allowed = {"type": _TYPES, "format": _FORMATS}
    reader.take("(")
    while (option := reader.take("type", "format")) is not None:
        value = reader.take(*allowed[option])
        if value is None:
            raise StatementError(
                f"EXPLAIN option {option.upper()} must be one of {allowed[option]}"
            )
        chosen[option] = value
        reader.take(",")
    if reader.take(")") is None:
        raise StatementError("EXPLAIN options are (TYPE …, FORMAT …)")


def _show(reader: Reader) -> Catalogued:
    if reader.take("databases", "schemas"):
        return Catalogued("SHOW_DATABASES", pattern=_pattern(reader))
    if plural := reader.take("tables", "views"):
        database = reader.name() if reader.take("in", "from") else None
        return Catalogued(f"SHOW_{plural.upper()}", database, pattern=_pattern(reader))
    if reader.take("columns"):
        if reader.take("in", "from") is None:
            raise StatementError("SHOW COLUMNS needs FROM or IN and a table")
        database, table = _table(reader)
        if reader.take("in", "from"):
            database = reader.name()
        return Catalogued("SHOW_COLUMNS", database, table)
    if reader.take("partitions"):
        return Catalogued("SHOW_PARTITIONS", *_table(reader))
    if reader.take("tblproperties"):
        return Catalogued("SHOW_TBLPROPERTIES", *_table(reader), pattern=_property(reader))
    if reader.take("create"):
        keyword = reader.take("table", "view")
        if keyword is None:
            raise StatementError("SHOW CREATE needs TABLE or VIEW and a name")
        return Catalogued(f"SHOW_CREATE_{keyword.upper()}", *_table(reader))
    raise StatementError("SHOW is followed by none of its objects")


def _describe(reader: Reader) -> Catalogued:
    reader.take("extended", "formatted")
    return Catalogued("DESCRIBE_TABLE", *_table(reader))


def _pattern(reader: Reader) -> str | None:
    reader.take("like")
    return reader.text()


def _property(reader: Reader) -> str | None:
    if reader.take("(") is None:
        return None
    name = reader.text()
    reader.take(")")
    return name


def _table(reader: Reader) -> tuple[str | None, str]:
    """Database and table out of `table`, `database.table` or `catalog.database.table`."""
    names = [reader.name()]
    while reader.take("."):
        names.append(reader.name())
    if None in names or len(names) > 3:
        raise StatementError("the name of a table is missing")
    known = [name for name in names if name is not None]
    return (known[-2] if len(known) > 1 else None), known[-1]
