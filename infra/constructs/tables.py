"""The DynamoDB tables: one per report, and one for the progress of each use case."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.streams import removal_policy
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
        self.progress = self._table(
            "progress", topology.progress_table, _attribute("use_case", numeric=False), None
        )

    def _report(self, table: Table) -> dynamodb.Table:
        return self._table(
            table.key.replace("/", "-"),
            table.name,
            _attribute(table.hash_key, numeric=table.numeric_key),
            _attribute(table.range_key, numeric=True),
        )

    def _table(
        self,
        id_: str,
        name: str,
        hash_key: dynamodb.Attribute,
        range_key: dynamodb.Attribute | None,
    ) -> dynamodb.Table:
        recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
        return dynamodb.Table(
            self,
            id_,
            table_name=name,
            partition_key=hash_key,
            sort_key=range_key,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=recovery,
            removal_policy=removal_policy(self._settings),
        )


def _attribute(name: str, *, numeric: bool) -> dynamodb.Attribute:
    kind = dynamodb.AttributeType.NUMBER if numeric else dynamodb.AttributeType.STRING
    return dynamodb.Attribute(name=name, type=kind)
