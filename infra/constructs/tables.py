"""The DynamoDB tables: one per report, and one for the progress of each use case."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.table import number, table, text
from infra.settings import Settings
from infra.topology import Table, Topology


class Tables(Construct):
    """Paid per request, encrypted, restorable to any second of the last 35 days."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self.by_key = {t.key: self._report(t) for t in topology.tables}
        self.progress = self._table("progress", topology.progress_table, text("use_case"), None)

    def _report(self, report: Table) -> dynamodb.Table:
        return self._table(
            report.key.replace("/", "-"),
            report.name,
            (number if report.numeric_key else text)(report.hash_key),
            number(report.range_key),
        )

    def _table(
        self,
        id_: str,
        name: str,
        hash_key: dynamodb.Attribute,
        range_key: dynamodb.Attribute | None,
    ) -> dynamodb.Table:
        return table(
            self, id_, name=name, hash_key=hash_key, range_key=range_key, settings=self._settings
        )
