"""Rows of the lake's tables, by Athena, within the time that an API has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters.athena import AthenaLake, QueryError
from lambdas.ports.lake_rows import LakeUnavailable, Row

# API Gateway waits 29 seconds for the function.
SECONDS = 20.0


class AthenaRows:
    """The `LakeRows` of each use case; both mappings are by use case."""

    def __init__(self, databases: Mapping[str, str], workgroups: Mapping[str, str]) -> None:
        self._databases, self._workgroups = databases, workgroups

    def query(self, use_case: str, sql: str) -> Sequence[Row]:
        """The rows of a query in the use case's workgroup."""
        database, workgroup = self._databases[use_case], self._workgroups[use_case]
        try:
            return AthenaLake(database, workgroup, timeout=SECONDS).query(sql)
        except (QueryError, BotoCoreError, ClientError) as error:
            raise LakeUnavailable(f"{database}: {error}") from error
