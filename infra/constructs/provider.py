"""The CDK's provider framework: what calls the functions of a custom resource."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import custom_resources
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.logs import log_group
from infra.settings import Settings

_TIMEOUT = cdk.Duration.minutes(30)

_BASIC = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_ACKNOWLEDGED = {
    f"IAM4[Policy::{_BASIC}]": "The provider framework's own functions; it allows logs only.",
    "L1": "The provider framework chooses the runtime of its own functions.",
}
_WAITER = {
    "SF1": "The waiter only polls; what it decides is in the functions' logs.",
    "SF2": "The waiter only polls; the functions it calls are traced.",
}


def provider(
    scope: Construct,
    *,
    on_event: lambda_.Function,
    settings: Settings,
    is_complete: lambda_.Function | None = None,
) -> custom_resources.Provider:
    """A provider that calls `on_event` for each request and then polls `is_complete`, if any."""
    polling = is_complete is not None
    made = custom_resources.Provider(
        scope,
        "Provider",
        on_event_handler=on_event,
        is_complete_handler=is_complete,
        query_interval=cdk.Duration.seconds(5) if polling else None,
        total_timeout=_TIMEOUT if polling else None,
        log_group=log_group(scope, "Logs", settings=settings),
        disable_waiter_state_machine_logging=True if polling else None,
    )
    functions = [f for f in (on_event, is_complete) if f is not None]
    reasons = _ACKNOWLEDGED | (_WAITER if polling else {})
    acknowledge(made, reasons | _version_wildcards(made, functions))
    return made


def _version_wildcards(
    made: custom_resources.Provider, functions: list[lambda_.Function]
) -> dict[str, str]:
    """The framework may invoke any version of its own functions and of ours."""
    own = [c for c in made.node.find_all() if isinstance(c, lambda_.CfnFunction)]
    invoked = [*own, *(f.node.default_child for f in functions)]
    stack = cdk.Stack.of(made)
    names = [stack.get_logical_id(f) for f in invoked if isinstance(f, cdk.CfnElement)]
    return {
        f"IAM5[Resource::<{name}.Arn>:*]": "The framework invokes versions of this function."
        for name in names
    }
