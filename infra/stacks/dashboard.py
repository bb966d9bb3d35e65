"""The page: its files in a private bucket, and one address for it and the APIs that it reads.

CloudFront serves both, so the page has the same origin as its data: no other site can read what
it reads, and its content security policy names no other host.
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from glue.catalog import DEAD_LETTERS
from glue.definitions import DECISIONS
from glue.parameters import together
from glue.targets.lake import lake_tables
from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.action_table import INDEXES
from infra.constructs.alarms import Alarms
from infra.constructs.api import STAGE, KeyedApi
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.permissions import allow, allow_named, query_tables, read_objects
from infra.constructs.published import Published
from infra.settings import Settings
from infra.topology import Topology, to_setting
from lambdas.finding import records_of_events
from lambdas.missing import closing_records

# What the page's own API serves; every other path that is no API's is a file.
PATHS = (
    "/catalog",
    "/keys/*",
    "/dead-letters/*",
    "/series/*",
    "/metrics/*",
    "/models/*",
    "/actions/*",
    "/decisions/*",
    "/ledger/*",
)
# An answer of an API is current, an error too: CloudFront keeps errors for ten seconds by default.
_ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
SENDER_RATE = 100  # requests a second; a function sends one letter after another
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
_ACKNOWLEDGED = {
    "CFR1": "People read the page wherever they are; the APIs behind it require their keys.",
    "CFR2": "A firewall is billed per month and rule; keys and throttling bound the use.",
    "CFR3": "The APIs log each request that reads data; the page itself is the same for everyone.",
    "CFR4": "With its default domain CloudFront allows no other choice of the TLS version.",
}


class DashboardStack(cdk.Stack):
    """`apis` are those of the other stacks by the path that the page reads them under.

    Dead letters are sent again to `ingestion`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        lake: Lake,
        apis: Mapping[str, KeyedApi],
        ingestion: KeyedApi,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: the page, and what it reads")
        self._topology, self._lake = topology, lake
        self._settings, self._assets = settings, assets
        sender = self._sender(ingestion)
        function = self._function(ingestion, sender)
        key = apigateway.ApiKey(self, "ApiKey", description="Key for the page's own API")
        api = KeyedApi(
            self,
            "Dashboard",
            function=function,
            api_key=key,
            settings=settings,
            name=f"{topology.prefix}-dashboard",
            description=f"{topology.prefix}: dashboard",
            cross_origin=False,
        )
        bucket = self._bucket()
        own = dict.fromkeys(PATHS, api)
        distribution = self._distribution(bucket, {**own, **apis})
        Published(self, "Page", bucket=bucket, assets=assets, settings=settings)
        alarms = Alarms(self, "Watch", topic=topic)
        alarms.function("dashboard", function)
        alarms.faults("faults", api.api)
        cdk.CfnOutput(self, "UrlForDashboard", value=f"https://{distribution.domain_name}")
        cdk.CfnOutput(self, "DashboardKeyId", value=key.key_id)

    def _sender(self, ingestion: KeyedApi) -> apigateway.ApiKey:
        """A key of the function's own for the public API, with a rate of its own.

        The function reads the key from API Gateway, so that no template and no setting has it.
        """
        key = apigateway.ApiKey(
            self, "SenderKey", description="Key that dead letters are sent again with"
        )
        plan = apigateway.CfnUsagePlan(
            self,
            "SenderPlan",
            description=f"{self._topology.prefix}: dead letters that are sent again",
            throttle=apigateway.CfnUsagePlan.ThrottleSettingsProperty(
                rate_limit=min(SENDER_RATE, self._settings.rate_limit),
                burst_limit=min(SENDER_RATE, self._settings.burst_limit),
            ),
            api_stages=[
                apigateway.CfnUsagePlan.ApiStageProperty(
                    api_id=ingestion.api.rest_api_id, stage=STAGE
                )
            ],
        )
        apigateway.CfnUsagePlanKey(
            self,
            "SenderPlanKey",
            key_id=key.key_id,
            key_type="API_KEY",
            usage_plan_id=plan.attr_id,
        )
        return key

    def _function(self, ingestion: KeyedApi, sender: apigateway.ApiKey) -> lambda_.Function:
        names = [use_case.name for use_case in self._topology.catalog.use_cases]
        audited = [u.name for u in self._topology.catalog.use_cases if u.is_audited]
        function = PlatformFunction(
            self,
            "DashboardFunction",
            handler="dashboard.handler.handler",
            assets=self._assets,
            settings=self._settings,
            environment={
                "SDP_PARAMETERS": to_setting(together(self._settings.parameters)),
                "SDP_LAKE_DATABASES": to_setting({n: self._topology.database(n) for n in names}),
                "SDP_WORKGROUPS": to_setting({n: self._topology.workgroup(n) for n in names}),
                "SDP_PREFIX": self._topology.prefix,
                "SDP_LAKE_BUCKET": self._lake.bucket.bucket_name,
                "SDP_AUDITED": ",".join(audited),
                "SDP_LEDGER_TABLE": self._topology.ledger_table,
                "SDP_PROGRESS_TABLE": self._topology.progress_table,
                "SDP_TABLES": to_setting({d.key: d.name for d in self._topology.dispatches}),
                "SDP_INGESTION_URL": ingestion.url,
                "SDP_INGESTION_KEY_ID": sender.key_id,
            },
            everywhere="Neither have cloudwatch:GetMetricData and sagemaker:ListModelPackages.",
        )
        self._views(function.role)
        self._replays(function.role, sender)
        for use_case in self._topology.catalog.use_cases:
            read = {DEAD_LETTERS, *(report.stream for report in use_case.reports)}
            read |= {series.schema.stream for series in use_case.series}
            # where the record of a replay is
            read |= {*use_case.event_streams}
            read |= {record.stream for record in records_of_events(use_case)}
            read |= {record.stream for record in closing_records(use_case)}
            if use_case.definitions is not None:
                read.add(DECISIONS)
            query_tables(
                function.role,
                self,
                self._lake,
                [table for table in lake_tables(use_case) if table.stream in read],
                self._topology.database(use_case.name),
                self._topology.workgroup(use_case.name),
            )
        return function.function

    def _views(self, role: iam.Role) -> None:
        """What the views of the platform read beside the lake's tables."""
        topology = self._topology
        allow(role, ["cloudwatch:GetMetricData"], ["*"])
        allow(role, ["dynamodb:Query"], [self._table(topology.ledger_table)])
        allow(role, ["dynamodb:GetItem"], [self._table(topology.progress_table)])
        for dispatch in topology.dispatches:
            indexes = [f"{self._table(dispatch.name)}/index/{index}" for index in INDEXES]
            allow(role, ["dynamodb:Query"], indexes)
        modelled = [u.name for u in topology.catalog.use_cases if u.model is not None]
        # Its code asks the registry wherever it runs; without a model it is never called.
        allow(role, ["sagemaker:ListModelPackages"], ["*"])
        if modelled:
            read_objects(role, self._lake, *(f"models/{name}/" for name in modelled))
        for name in modelled:
            reason = "Versions are numbered as they are registered."
            group = f"{topology.prefix}-{name}"
            action = ["sagemaker:DescribeModelPackage"]
            allow_named(role, action, "sagemaker", "model-package", f"{group}/*", reason)

    def _replays(self, role: iam.Role, sender: apigateway.ApiKey) -> None:
        """What sending dead letters again needs: the key, and its own items of the ledger."""
        arn = self.format_arn(
            service="apigateway", account="", resource="/apikeys", resource_name=sender.key_id
        )
        allow(role, ["apigateway:GET"], [arn])
        own = [f"{use_case.name}#replay" for use_case in self._topology.catalog.use_cases]
        allow(
            role,
            ["dynamodb:GetItem", "dynamodb:PutItem"],
            [self._table(self._topology.ledger_table)],
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": own}},
        )

    def _table(self, name: str) -> str:
        return self.format_arn(service="dynamodb", resource="table", resource_name=name)

    def _bucket(self) -> s3.Bucket:
        """Only the distribution reads it. Its content is made again by each deployment."""
        bucket = s3.Bucket(
            self,
            "Files",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        acknowledge(bucket, {"S1": "Its files are public, and the distribution alone reads them."})
        return bucket

    def _distribution(
        self, bucket: s3.Bucket, apis: Mapping[str, KeyedApi]
    ) -> cloudfront.Distribution:
        headers = self._headers()
        by_api = {api: _origin(api) for api in apis.values()}
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{self._topology.prefix}: the page and its APIs",
            default_root_object="index.html",
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=headers,
            ),
            additional_behaviors={
                path: cloudfront.BehaviorOptions(
                    origin=by_api[api],
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                    # A key that is typed into the page never travels in the clear.
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    origin_request_policy=(
                        cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER
                    ),
                    response_headers_policy=headers,
                )
                for path, api in apis.items()
            },
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=cdk.Duration.seconds(0))
                for status in _ERRORS
            ],
        )
        acknowledge(distribution, _ACKNOWLEDGED)
        return distribution

    def _headers(self) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            comment=f"{self._topology.prefix}: what a browser may do with the page",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=_POLICY, override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(365),
                    include_subdomains=True,
                    override=True,
                ),
            ),
        )


def _origin(api: KeyedApi) -> origins.HttpOrigin:
    return origins.HttpOrigin(
        api.host,
        origin_path=f"/{STAGE}",
        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
    )
