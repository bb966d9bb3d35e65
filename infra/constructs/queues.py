"""Queues of what was given up."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge


def dead_letter_queue(
    scope: Construct, id_: str, why: str = "This is a dead-letter queue."
) -> sqs.Queue:
    """Encrypted, kept as long as SQS keeps messages; `why` it has no such queue itself."""
    queue = sqs.Queue(
        scope,
        id_,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
    )
    acknowledge(queue, {"SQS3": why})
    return queue
