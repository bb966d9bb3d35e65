"""A Lambda function from a bundle, with its own log group and role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.logs import log_group
from infra.settings import Settings


class PlatformFunction(Construct):
    """`handler`: a module path in `lambdas` and its function, such as `ingest.handler`.

    `code` is the bundle, where it is not the shared one; `storage_mib` is the size of /tmp.
    `reserved` executions at once are kept for the function and bound it; 0 reserves none.
    `everywhere` names the actions beside X-Ray's that are granted without a resource, and why.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        handler: str,
        assets: Assets,
        settings: Settings,
        environment: Mapping[str, str],
        memory_mib: int = 512,
        timeout_seconds: int = 30,
        code: Path | None = None,
        storage_mib: int = 512,
        reserved: int = 0,
        everywhere: str = "",
    ) -> None:
        super().__init__(scope, id_)
        logs = log_group(self, "Logs", settings=settings)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        logs.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler=f"lambdas.{handler}",
            code=lambda_.Code.from_asset(str(code or assets.functions)),
            role=self.role,
            log_group=logs,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mib) if storage_mib > 512 else None,
            timeout=cdk.Duration.seconds(timeout_seconds),
            reserved_concurrent_executions=reserved or None,
            environment=_environment(id_, settings, environment),
        )
        acknowledge(
            self,
            {
                "L1": "The bundle has compiled extensions for this runtime; both change together.",
                "IAM5[Resource::*]": f"X-Ray's actions have no resource. {everywhere}".strip(),
            },
        )


def _environment(name: str, settings: Settings, own: Mapping[str, str]) -> dict[str, str]:
    return {
        "POWERTOOLS_SERVICE_NAME": name.lower(),
        "POWERTOOLS_METRICS_NAMESPACE": settings.metrics_namespace,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        # The bundle has the code of every use case, whichever are deployed.
        "SDP_USE_CASES": ",".join(settings.use_cases),
        **own,
    }
