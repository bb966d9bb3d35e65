"""Findings of the AWS Solutions checks that stand, each with its reason, beside their cause."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on a construct and what is below it.

    `reasons` maps a finding, such as `IAM5[Resource::*]`, to why it stands. A rule with several
    findings is acknowledged one finding at a time, so a new wildcard is never covered.
    """
    rules = [
        cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
        for finding, reason in reasons.items()
    ]
    cdk.Validations.of(construct).acknowledge(*rules)
