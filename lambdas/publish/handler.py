"""The function of the custom resource, on the CDK's provider framework."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.adapters.site import S3Site
from lambdas.publish import publishing

logger = Logger(service="publish")


@cache
def bootstrap() -> S3Site:
    """Both buckets; the client is made at the first call."""
    return S3Site()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publishes at each change of the archive; empties the bucket when the stack is deleted."""
    properties, site = event["ResourceProperties"], bootstrap()
    bucket = properties["Bucket"]
    if event["RequestType"] == "Delete":
        publishing.withdraw(site, bucket)
    else:
        source = properties["SourceBucket"], properties["SourceKey"]
        count = publishing.publish(site, site, source=source, bucket=bucket)
        logger.info("published", extra={"bucket": bucket, "files": count})
    return {"PhysicalResourceId": f"{bucket}-page"}
