"""Saved queries: one question per file, with parameters that are declared, typed and quoted.

The header's first line is the question. A parameter is a line of it:
`-- Parameter NAME TYPE = DEFAULT: What it is for.`, used as `${NAME}`; without a default it must
be given. Types are those of `sdpctl.sql.literals`.
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
    """A saved query does not exist, is not written as one, or is not given what it needs."""


@dataclass(frozen=True)
class Parameter:
    """What a query may be told; `default` None means that it must be."""

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

    def sql(self, given: Mapping[str, str], now: datetime) -> str:
        """The statement with its parameters as literals; raises SavedQueryError."""
        names = [parameter.name for parameter in self.parameters]
        if unknown := [name for name in given if name not in names]:
            raise SavedQueryError(f"{self.name} has no parameter {unknown[0]!r}, but {names}")
        values = {
            p.name: self._literal(p, given.get(p.name, p.default), now) for p in self.parameters
        }
        return _USE.sub(lambda use: values[use[1]], self.template)

    def _literal(self, parameter: Parameter, text: str | None, now: datetime) -> str:
        named = f"{self.name}: parameter {parameter.name} ({parameter.doc.rstrip('.')})"
        if text is None:
            raise SavedQueryError(f"{named} is needed: --param {parameter.name}=…")
        try:
            return literal(parameter.type, text, now)
        except ValueError as error:
            raise SavedQueryError(f"{named}: {error}") from error


def saved_queries(files: Iterable[Path]) -> dict[str, SavedQuery]:
    """The queries by name; raises SavedQueryError for a file that is not written as one."""
    return {path.stem: parse(path.stem, path.read_text()) for path in files}


def parse(name: str, text: str) -> SavedQuery:
    """A file's query; raises SavedQueryError."""
    lines = text.strip().splitlines()
    header = [line for line in lines if line.startswith("--")]
    template = "\n".join(line for line in lines if not line.startswith("--")).strip()
    if not header or not header[0].endswith("?"):
        raise SavedQueryError(f"{name}: the first line of the header is no question")
    found = [m for line in header if (m := _PARAMETER.fullmatch(line))]
    if len(found) != sum(line.startswith("-- Parameter") for line in header):
        raise SavedQueryError(f"{name}: a parameter is '-- Parameter NAME TYPE = DEFAULT: doc'")
    parameters = tuple(Parameter(*match.groups()) for match in found)
    _same(name, {p.name for p in parameters}, set(_USE.findall(template)))
    return SavedQuery(name, header[0].removeprefix("-- "), parameters, template)


def _same(name: str, declared: set[str], used: set[str]) -> None:
    if declared != used:
        raise SavedQueryError(
            f"{name}: declares {sorted(declared)}, uses {sorted(used)}: these must be the same"
        )
