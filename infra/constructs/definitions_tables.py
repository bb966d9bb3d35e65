"""The tables of definitions: one for each use case that declares some, with every version."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.streams import removal_policy
from infra.settings import Settings
from infra.topology import Topology


class DefinitionsTables(Construct):
    """Paid per request, encrypted, restorable to any second of the last 35 days."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
        self.by_use_case = {
            use_case: dynamodb.Table(
                self,
                use_case,
                table_name=name,
                partition_key=_text("pk"),
                sort_key=_text("sk"),
                billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
                encryption=dynamodb.TableEncryption.AWS_MANAGED,
                point_in_time_recovery_specification=recovery,
                removal_policy=removal_policy(settings),
            )
            for use_case, name in topology.definitions_tables.items()
        }


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
