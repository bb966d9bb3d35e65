"""The table of a use case's actions, with its two indexes."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.streams import removal_policy
from infra.settings import Settings

_KEYS = ("pk", "sk")
# As lambdas/adapters/actions.py writes and ./sdp actions reads them.
INDEXES = {"by-customer": "customer", "by-day": "slot"}
_TIME = "decided_at"


def action_table(scope: Construct, id_: str, *, name: str, settings: Settings) -> dynamodb.Table:
    """Paid per request, encrypted, restorable, and items expire by themselves."""
    text = dynamodb.AttributeType.STRING
    hash_key, range_key = (dynamodb.Attribute(name=key, type=text) for key in _KEYS)
    recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
    table = dynamodb.Table(
        scope,
        id_,
        table_name=name,
        partition_key=hash_key,
        sort_key=range_key,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=recovery,
        time_to_live_attribute="expires",
        removal_policy=removal_policy(settings),
    )
    for index, attribute in INDEXES.items():
        table.add_global_secondary_index(
            index_name=index,
            partition_key=dynamodb.Attribute(name=attribute, type=text),
            sort_key=dynamodb.Attribute(name=_TIME, type=dynamodb.AttributeType.NUMBER),
        )
    return table
