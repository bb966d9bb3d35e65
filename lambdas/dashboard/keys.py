"""The keys of a report that were counted lately, for a list to choose from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import Schema, String, UseCase
from glue.sql import literal
from glue.targets.lake import lake_tables
from lambdas.http import tokens
from lambdas.ports.lake_rows import LakeRows

_DAY = timedelta(days=1)


class KeysQuery(BaseModel):
    """How many, and whose names begin with what."""

    model_config = ConfigDict(extra="forbid")

    prefix: str = Field("", max_length=128, description="Keys that begin with this text.")
    limit: int = Field(100, ge=1, le=1_000, description="Maximum number of keys.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class Keys(BaseModel):
    """Keys counted today or yesterday, in the order of their text."""

    keys: list[str] = Field(description="Each is the key of `/reports/{path}/{key}`.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


def keys(
    lake: LakeRows, use_case: UseCase, report: Schema, query: KeysQuery, now: datetime
) -> dict[str, Any]:
    """A page of keys."""
    question = ("keys", use_case.name, report.path, query.prefix)
    table = next(t for t in lake_tables(use_case) if t.stream == report.stream)
    key = f'"{report.key}"'
    text = key if isinstance(report.column(report.key).type, String) else f"CAST({key} AS VARCHAR)"
    conditions = [f"date >= '{now - _DAY:%Y-%m-%d}'", f"{key} IS NOT NULL"]
    if query.prefix:
        conditions.append(f"starts_with({text}, {literal(query.prefix)})")
    if query.next is not None:
        (after,) = tokens.decode(query.next, question, 1)
        conditions.append(f"{text} > {literal(after)}")
    rows = lake.query(
        use_case.name,
        f"SELECT DISTINCT {text} AS found FROM {table.parquet}\nWHERE "
        + " AND ".join(conditions)
        + f"\nORDER BY found\nLIMIT {query.limit + 1}",
    )
    found = [str(row[0]) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return {"keys": found, "next": tokens.encode([found[-1]], question) if more else None}
