"""Dead letters in the lake: the queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from glue.sql import literal, literals

TABLE = "parquet_dead_letters"
Filters = Mapping[str, str | Collection[str] | None]
"""Column → value, or several of which it has one; None for any."""


@dataclass(frozen=True)
class Record:
    """Selects dead letters by their record's key: any of the fields `names` has the value.

    Compressed bytes (above 700 KiB) and bytes that are not JSON have no key.
    """

    names: tuple[str, ...]
    value: str

    @property
    def condition(self) -> str:
        """SQL."""
        text, value = "from_utf8(from_base64(payload))", literal(self.value)
        fields = [f"TRY(json_extract_scalar({text}, '$.{name}'))" for name in self.names]
        return f"({' OR '.join(f'COALESCE({field} = {value}, FALSE)' for field in fields)})"


def query(
    since: datetime,
    filters: Filters,
    limit: int | None = None,
    record: Record | None = None,
) -> str:
    """SQL: the newest dead letters that failed since an instant, each once.

    Dead letters that were delivered twice have the same id. The columns are those of the dead
    letter, including those of `source`.
    """
    return (
        "SELECT id, stage, reason, field, detail, event_id, occurred_at, failed_at,\n"
        "  source_stream, source_shard, source_sequence_number, payload, encoding\n"
        f"FROM (\n{_once(since, filters, record)}\n) AS letters\n"
        "WHERE repetition = 1\nORDER BY failed_at DESC, id" + (f"\nLIMIT {limit}" if limit else "")
    )


def count_query(since: datetime, filters: Filters, record: Record | None = None) -> str:
    """SQL: the number of dead letters by stage and reason, each counted once."""
    return (
        "SELECT stage, reason, COUNT(*) AS letters, MAX(failed_at) AS newest\n"
        f"FROM (\n{_once(since, filters, record)}\n) AS letters\n"
        "WHERE repetition = 1\nGROUP BY stage, reason\nORDER BY letters DESC, stage, reason"
    )


def _once(since: datetime, filters: Filters, record: Record | None) -> str:
    # Delivered after it failed, never long before: earlier partitions need not be read.
    conditions = [
        f"date >= '{since - timedelta(days=1):%Y-%m-%d}'",
        f"failed_at >= TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}'",
        *(f"{name} IN ({literals(v)})" for name, v in filters.items() if v is not None),
        *([record.condition] if record else []),
    ]
    return (
        "  SELECT id, stage, reason, field, detail, event_id, occurred_at, failed_at, payload,\n"
        "    encoding, source.stream AS source_stream, source.shard AS source_shard,\n"
        "    source.sequence_number AS source_sequence_number,\n"
        "    ROW_NUMBER() OVER (PARTITION BY id ORDER BY failed_at) AS repetition\n"
        f"  FROM {TABLE}\n  WHERE " + "\n    AND ".join(conditions)
    )
