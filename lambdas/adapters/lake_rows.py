"""Rows of the lake's tables, by Athena, within the time that an API has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters.athena import AthenaLake, QueryError, QueryTimeout
from lambdas.ports.lake_rows import LakeTooSlow, LakeUnavailable, Row

# API Gateway waits 29 seconds for the function.
SECONDS = 20.0


class AthenaRows:
    """The `LakeRows` of each use case; both mappings are by use case."""

    def __init__(self, databases: Mapping[str, str], workgroups: Mapping[str, str]) -> None:
        self._databases, self._workgroups = databases, workgroups

    def query(self, use_case: str, sql: str, seconds: float = SECONDS) -> Sequence[Row]:
        """The rows of a query in the use case's workgroup."""
        with self._lake(use_case, seconds) as lake:
            return lake.query(sql)

    def named(self, use_case: str, sql: str, seconds: float) -> Sequence[Mapping[str, Any]]:
        """The rows by column."""
        with self._lake(use_case, seconds) as lake:
            return lake.named(sql)

    @contextmanager
    def _lake(self, use_case: str, seconds: float) -> Iterator[AthenaLake]:
        database, workgroup = self._databases[use_case], self._workgroups[use_case]
        try:
            yield AthenaLake(database, workgroup, timeout=seconds)
        except QueryTimeout as error:
            raise LakeTooSlow(f"{database}: {error}") from error
        except (QueryError, BotoCoreError, ClientError) as error:
            raise LakeUnavailable(f"{database}: {error}") from error
