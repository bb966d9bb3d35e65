"""Execution parameters in the places of a statement's question marks.

Each parameter is SQL of its own, a literal mostly: text comes with its quotes. What is no single
expression is refused, so that a parameter cannot change the statement around it.
https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sdpctl.local.athena.statements import StatementError
from sdpctl.local.athena.words import words


def filled(sql: str, parameters: Sequence[str]) -> str:
    """The statement with its parameters; raises StatementError."""
    offsets = [word.start for word in words(sql) if word.text == "?"]
    if len(offsets) != len(parameters):
        raise StatementError(
            f"Incorrect number of parameters: expected {len(offsets)} but found {len(parameters)}"
        )
    for parameter in parameters:
        _require_expression(parameter)
    for start, parameter in reversed(list(zip(offsets, parameters, strict=True))):
        sql = f"{sql[:start]}({parameter}){sql[start + 1 :]}"
    return sql


def _require_expression(parameter: str) -> None:
    for text in (f"SELECT {parameter}", f"SELECT ({parameter})"):
        try:
            (statement,) = duckdb.extract_statements(text)
        except (duckdb.Error, ValueError) as error:
            raise StatementError(
                f"parameter {parameter!r} is not an expression; text needs single quotes"
            ) from error
        if statement.type != duckdb.StatementType.SELECT:
            raise StatementError(f"parameter {parameter!r} is not an expression")
    if _is_list(parameter):
        raise StatementError(f"parameter {parameter!r} is several expressions; send one each")


def _is_list(parameter: str) -> bool:
    """Whether a comma is outside of all brackets."""
    depth = 0
    for word in words(parameter):
        depth += (word.text in "([{") - (word.text in ")]}")
        if word.text == "," and depth == 0:
            return True
    return False
