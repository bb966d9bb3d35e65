"""Saved queries: one question per file, with declared, typed and quoted parameters.

The header's first line is the question. A parameter is a line of it:
`-- Parameter NAME TYPE = DEFAULT: What it is for.`, used as `${NAME}`; without a default it is
required. Types are those of `sdpctl.sql.literals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from glue import PlatformError
from sdpctl.sql.literals import literal

_USE = re.compile(r"\$\{(\w+)\}")
_PARAMETER = re.compile(r"-- Parameter (\w+) (\w+)(?: = (\S+))?: (.+)")


class SavedQueryError(PlatformError):
    """A saved query is unknown or invalid, or a parameter is missing or invalid."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query; required if `default` is None."""

    name: str
    type: str
    default: str | None
    doc: str


@dataclass(frozen=True)
class SavedQuery:
    """One question; `template` has a `${name}` for each parameter."""

    name: str
    question: str
    parameters: tuple[Parameter, ...]
    template: str

    def sql(self, values: Mapping[str, str], now: datetime) -> str:
        """The statement with its parameters as literals. Raises SavedQueryError."""
        names = [parameter.name for parameter in self.parameters]
        if unknown := [name for name in values if name not in names]:
            raise SavedQueryError(
                f"{self.name}: unknown parameter {unknown[0]!r}; parameters: {names}"
            )
        literals = {
            p.name: self._literal(p, values.get(p.name, p.default), now) for p in self.parameters
        }
        return _USE.sub(lambda use: literals[use[1]], self.template)

    def _literal(self, parameter: Parameter, text: str | None, now: datetime) -> str:
        named = f"{self.name}: parameter {parameter.name} ({parameter.doc.rstrip('.')})"
        if text is None:
            raise SavedQueryError(f"{named} is missing; add --param {parameter.name}=…")
        try:
            return literal(parameter.type, text, now)
        except ValueError as error:
            raise SavedQueryError(f"{named}: {error}") from error


def saved_queries(files: Iterable[Path]) -> dict[str, SavedQuery]:
    """The queries by name. Raises SavedQueryError for an invalid file."""
    return {path.stem: parse(path.stem, path.read_text()) for path in files}


def parse(name: str, text: str) -> SavedQuery:
    """Parse a file. Raises SavedQueryError."""
    lines = text.strip().splitlines()
    header = [line for line in lines if line.startswith("--")]
    template = "\n".join(line for line in lines if not line.startswith("--")).strip()
    if not header or not header[0].endswith("?"):
        raise SavedQueryError(f"{name}: the first line of the header must be a question")
    matches = [m for line in header if (m := _PARAMETER.fullmatch(line))]
    if len(matches) != sum(line.startswith("-- Parameter") for line in header):
        raise SavedQueryError(
            f"{name}: a parameter must be '-- Parameter NAME TYPE = DEFAULT: doc'"
        )
    parameters = tuple(Parameter(*match.groups()) for match in matches)
    _same(name, {p.name for p in parameters}, set(_USE.findall(template)))
    return SavedQuery(name, header[0].removeprefix("-- "), parameters, template)


def _same(name: str, declared: set[str], used: set[str]) -> None:
    if declared != used:
        raise SavedQueryError(
            f"{name}: declares {sorted(declared)}, uses {sorted(used)}: these must be the same"
        )
