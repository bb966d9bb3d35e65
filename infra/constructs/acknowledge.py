"""Accepted findings of the AWS Solutions checks, each with its reason, beside their cause."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on a construct and its children.

    `reasons` maps a finding, such as `IAM5[Resource::*]`, to why it is accepted. A rule with
    several findings is accepted one finding at a time, so a new wildcard is never covered.
    """
    rules = [
        cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
        for finding, reason in reasons.items()
    ]
    cdk.Validations.of(construct).acknowledge(*rules)
