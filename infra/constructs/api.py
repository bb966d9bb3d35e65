"""A REST API in front of one function: every method requires the API key, errors are problems."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from glue.limits import BODY_BYTES
from infra.constructs.acknowledge import acknowledge
from infra.constructs.logs import log_group
from infra.settings import Settings

STAGE = "v1"  # the first part of each path
_HEADERS = ["content-type", "x-api-key", "accept", "if-match", "if-none-match"]
_EXPOSED = ["retry-after"]
_PROBLEM = {"Content-Type": "'application/problem+json'"}
_CORS = {
    "Access-Control-Allow-Origin": "'*'",
    "Access-Control-Expose-Headers": "'retry-after'",
}
_RETRY = {"Retry-After": "'1'"}

# API Gateway writes it as a JSON string, quotes included; `$context.error.message` would put a
# message's own quotes into the document.
_MESSAGE = "$context.error.messageString"

# Gateway errors the callers of the API can meet: (type, status or the type's own, title,
# further headers).
_ERRORS: tuple[tuple[str, str | None, str, dict[str, str]], ...] = (
    ("INVALID_API_KEY", "403", "A valid x-api-key header is needed", {}),
    ("ACCESS_DENIED", "403", "Not allowed", {}),
    ("REQUEST_TOO_LARGE", "413", f"The body has more than {BODY_BYTES} bytes", {}),
    ("THROTTLED", "429", "Too many requests", _RETRY),
    ("QUOTA_EXCEEDED", "429", "The quota is used up", {"Retry-After": "'3600'"}),
    ("INTEGRATION_TIMEOUT", "503", "The service took too long", _RETRY),
    # API Gateway's response when the function's concurrency is used up: Lambda's own 429.
    ("INTEGRATION_FAILURE", "429", "Too many requests at once", _RETRY),
    # API Gateway's response when a path has no method at all.
    ("MISSING_AUTHENTICATION_TOKEN", "404", "No such path", {}),
    ("DEFAULT_4XX", None, _MESSAGE, {}),
    ("DEFAULT_5XX", None, "The service is not available", _RETRY),
)

# Variables without quotes in their values; `apiKeyId` identifies senders, the key itself is secret.
_LOGGED = {
    "requestId": "requestId",
    "ip": "identity.sourceIp",
    "apiKeyId": "identity.apiKeyId",
    "requestTime": "requestTime",
    "httpMethod": "httpMethod",
    "resourcePath": "resourcePath",
    "status": "status",
    "protocol": "protocol",
    "responseLength": "responseLength",
    "responseLatency": "responseLatency",
    "errorType": "error.responseType",
}

_ACKNOWLEDGED = {
    "APIG2": "The function validates every request and answers with field and reason.",
    "APIG3": "A firewall is billed per month and rule; keys and throttling bound the use.",
    "APIG4": "Every method but the preflight (OPTIONS) requires an API key; see the usage plan.",
    "COG4": "Callers hold an API key; there is no user pool.",
}


class KeyedApi(Construct):
    """The function serves every path of the stage; `name` identifies the API in metrics.

    `cross_origin`: whether pages of other origins may call it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        function: lambda_.IFunction,
        api_key: apigateway.IApiKey,
        settings: Settings,
        name: str,
        description: str,
        cross_origin: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        self._cross_origin = cross_origin
        self.api = self._rest_api(settings, name, description)
        # Its own output would repeat the stack's under a generated name.
        self.api.node.try_remove_child("Endpoint")
        self._add_methods(function)
        for kind, status, title, headers in _ERRORS:
            self._add_error(kind, status, title, headers)
        plan = self.api.add_usage_plan(
            "Plan",
            description=description,
            throttle=_throttle(settings),
            api_stages=[apigateway.UsagePlanPerApiStage(stage=self.api.deployment_stage)],
        )
        plan.add_api_key(api_key)
        acknowledge(self, _ACKNOWLEDGED)

    @property
    def url(self) -> str:
        """The URL of the API, without a trailing slash."""
        return f"https://{self.host}/{self.api.deployment_stage.stage_name}"

    @property
    def host(self) -> str:
        """The host of the API."""
        stack = cdk.Stack.of(self)
        return f"{self.api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"

    def _rest_api(self, settings: Settings, name: str, description: str) -> apigateway.RestApi:
        access_logs = log_group(self, "AccessLogs", settings=settings)
        throttle = _throttle(settings)
        return apigateway.RestApi(
            self,
            "Api",
            rest_api_name=name,
            description=description,
            cloud_watch_role=False,
            # Bodies reach the function as the bytes that were sent: text would lose what is
            # not UTF-8 before anything can refuse it.
            binary_media_types=["*/*"],
            min_compression_size=cdk.Size.kibibytes(1),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            default_cors_preflight_options=_preflight() if self._cross_origin else None,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=throttle.rate_limit,
                throttling_burst_limit=throttle.burst_limit,
                tracing_enabled=True,
                metrics_enabled=True,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                access_log_destination=apigateway.LogGroupLogDestination(access_logs),
                access_log_format=apigateway.AccessLogFormat.custom(_access_log()),
            ),
        )

    def _add_methods(self, function: lambda_.IFunction) -> None:
        integration = apigateway.LambdaIntegration(function, allow_test_invoke=False)
        resource = self.api.root.add_resource("{proxy+}")
        # The function returns 405 itself.
        resource.add_method("ANY", integration, api_key_required=True)
        for construct in self.api.node.find_all():
            # With every media type binary, a mock integration returns 500 unless its own
            # template is declared as text.
            if isinstance(construct, apigateway.CfnMethod) and construct.http_method == "OPTIONS":
                construct.add_property_override("Integration.ContentHandling", "CONVERT_TO_TEXT")

    def _add_error(
        self, kind: str, status: str | None, title: str, headers: dict[str, str]
    ) -> None:
        problem: dict[str, object] = {"type": "about:blank", "title": title}
        if status is not None:
            problem["status"] = int(status)
        self.api.add_gateway_response(
            kind,
            type=apigateway.ResponseType.of(kind),
            status_code=status,
            response_headers={**_PROBLEM, **(_CORS if self._cross_origin else {}), **headers},
            templates={"application/json": json.dumps(problem).replace(f'"{_MESSAGE}"', _MESSAGE)},
        )


def _preflight() -> apigateway.CorsOptions:
    return apigateway.CorsOptions(
        allow_origins=apigateway.Cors.ALL_ORIGINS,
        allow_headers=_HEADERS,
        expose_headers=_EXPOSED,
        max_age=cdk.Duration.hours(1),
    )


def _access_log() -> str:
    """One JSON object per request: the sender, the request, its result, and why it was refused."""
    fields = {name: f'"$context.{variable}"' for name, variable in _LOGGED.items()}
    fields["error"] = _MESSAGE
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def _throttle(settings: Settings) -> apigateway.ThrottleSettings:
    return apigateway.ThrottleSettings(
        rate_limit=settings.rate_limit, burst_limit=settings.burst_limit
    )
