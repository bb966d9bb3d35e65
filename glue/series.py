"""Series: what is measured of a thing over time, as charts draw it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glue.errors import CatalogError
from glue.schema import ENVELOPE, Kind, Schema, schema_of
from glue.types import Column, Double, Integer, String, Timestamp

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Series:
    """The values of the column `value` of an event or record, over the time in `at`.

    Each `key` has a series of its own; where `by` names a text column, it has one for each of that
    column's values. A series has one value at a time: of several the least, however often each was
    sent.
    """

    name: str
    of: type
    value: str
    key: str = ""
    by: str | None = None
    at: str = "occurred_at"

    @property
    def schema(self) -> Schema:
        """The schema of the event or record."""
        return schema_of(self.of)

    @property
    def key_column(self) -> Column:
        """The column whose values have a series each; by default that of the schema's key."""
        return self.schema.column(self.key or self.schema.key)

    @property
    def value_column(self) -> Column:
        """The column that is drawn."""
        return self.schema.column(self.value)

    def check(self, use_case: str, classes: tuple[type, ...]) -> None:
        """Raises CatalogError for a declaration that is wrong."""
        where = f"{use_case}: series {self.name!r}"
        if not _NAME.fullmatch(self.name):
            raise CatalogError(
                f"{where}: a name has 1 to 40 lower case letters, digits and hyphens, a letter "
                "first"
            )
        if self.of not in classes or self.schema.kind is Kind.REPORT:
            raise CatalogError(f"{where}: {self.of.__name__!r} is not one of its events or records")
        for name, kinds, meaning in (
            (self.key_column.name, (String, Integer), "a text or an integer"),
            (self.value, (Integer, Double), "a number"),
            (self.at, (Timestamp,), "a time"),
            *([(self.by, (String,), "a text")] if self.by else []),
        ):
            if not isinstance(self._column(name).type, kinds):
                raise CatalogError(f"{where}: {name!r} is not {meaning}")

    def _column(self, name: str) -> Column:
        if self.schema.kind is Kind.EVENT:
            for column in ENVELOPE:
                if column.name == name:
                    return column
        return self.schema.column(name)
