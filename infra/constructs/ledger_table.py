"""The table of the ledger: what the door received in each minute, and what became of it."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.streams import removal_policy
from infra.settings import Settings
from infra.topology import Topology


class LedgerTable(Construct):
    """Paid per request, encrypted, restorable to any second of the last 35 days."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
        self.table = dynamodb.Table(
            self,
            "Table",
            table_name=topology.ledger_table,
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            time_to_live_attribute="expires_at",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=recovery,
            removal_policy=removal_policy(settings),
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
