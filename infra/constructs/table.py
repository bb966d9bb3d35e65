"""A DynamoDB table as every table of the platform is."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.streams import removal_policy
from infra.settings import Settings


def table(
    scope: Construct,
    id_: str,
    *,
    name: str,
    hash_key: dynamodb.Attribute,
    range_key: dynamodb.Attribute | None,
    settings: Settings,
    expires: str | None = None,
) -> dynamodb.Table:
    """Paid per request, encrypted, restorable to any second of the last 35 days.

    `expires` is the attribute with the epoch second after which DynamoDB removes an item.
    """
    recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
    return dynamodb.Table(
        scope,
        id_,
        table_name=name,
        partition_key=hash_key,
        sort_key=range_key,
        time_to_live_attribute=expires,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=recovery,
        removal_policy=removal_policy(settings),
    )


def text(name: str) -> dynamodb.Attribute:
    """A key that is a text."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def number(name: str) -> dynamodb.Attribute:
    """A key that is a number."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.NUMBER)
