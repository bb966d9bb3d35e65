"""The table of a use case's actions, with its two indexes."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.table import number, table, text
from infra.settings import Settings

_KEYS = ("pk", "sk")
# As lambdas/adapters/actions.py writes and ./sdp actions reads them.
INDEXES = {"by-customer": "customer", "by-day": "slot"}
_TIME = "decided_at"


def action_table(scope: Construct, id_: str, *, name: str, settings: Settings) -> dynamodb.Table:
    """A table whose items expire by themselves."""
    hash_key, range_key = map(text, _KEYS)
    made = table(
        scope,
        id_,
        name=name,
        hash_key=hash_key,
        range_key=range_key,
        settings=settings,
        expires="expires",
    )
    for index, attribute in INDEXES.items():
        made.add_global_secondary_index(
            index_name=index, partition_key=text(attribute), sort_key=number(_TIME)
        )
    return made
