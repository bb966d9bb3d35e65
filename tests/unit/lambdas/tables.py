"""The tables of the made-up use case, in moto."""

from typing import TYPE_CHECKING

from glue.targets.dynamodb import KeyAttribute, hash_key, range_key
from tests.unit.lambdas.made_up import FACTORY, PROGRESS_TABLE, TABLES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_tables(client: "DynamoDBClient") -> None:
    """One per report, and the one of progress."""
    for report in FACTORY.reports:
        create_table(client, TABLES[f"factory/{report.path}"], hash_key(report), range_key(report))
    create_table(client, PROGRESS_TABLE, KeyAttribute("use_case", "S"))


def create_table(client: "DynamoDBClient", table: str, *key: KeyAttribute) -> None:
    """A table with these key attributes: the hash and, if it has one, the range."""
    client.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": k.name, "KeyType": kind}
            for k, kind in zip(key, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": k.name, "AttributeType": k.type} for k in key],
        BillingMode="PAY_PER_REQUEST",
    )
