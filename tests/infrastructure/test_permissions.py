"""Each role may do what its code can do, and nothing else: a missing action and a superfluous one
both fail.

What a function does is read from its code (`calls`), what IAM calls it is below. Services that work
for us with a role of ours (Firehose, SageMaker, Managed Flink, Step Functions, Lambda's event
sources) do what their documentation says; the pages are named beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import usecases
from infra.images import training_image
from tests.infrastructure import calls
from tests.infrastructure.calls import Request
from tests.infrastructure.conftest import Synthesis, Template
from tests.infrastructure.grants import Role, listed, role_of, roles, text

REGION = "us-east-1"
ROOT = Path(__file__).parents[2]
JVM = ROOT / "analytics_app/jvm/src/main/java"

# The name of a service in IAM, where botocore has another.
IAM = {
    "kinesisanalyticsv2": "kinesisanalytics",
    "sagemaker-runtime": "sagemaker",
    "stepfunctions": "states",
}

# Requests that IAM does not know by the operation's own name, or that need more than that. Sources:
# Service Authorization Reference; "Identity-based policy examples" of each service's guide.
_READS = {"s3:GetObject", "kms:Decrypt"}
_WRITES = {"s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"}
# Athena reads the catalog and the files, and writes the result, as whoever asks ("Access to
# workgroups", "Actions for fine-grained access to databases and tables" of its guide).
_QUERY = {
    "athena:StartQueryExecution",
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetPartitions",
    "glue:GetPartition",
    "glue:BatchGetPartition",
    "s3:GetBucketLocation",
    "s3:ListBucket",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    *_READS,
    *_WRITES,
}
ACTIONS: dict[tuple[str, str], set[str]] = {
    ("athena", "start_query_execution"): _QUERY,
    # "Permissions to manage API Gateway": by the method of its REST API, and the path.
    ("apigateway", "get_api_key"): {"apigateway:GET"},
    ("athena", "get_query_results"): {"athena:GetQueryResults", *_READS},
    ("dynamodb", "transact_write_items"): {"dynamodb:PutItem"},  # our transactions only put
    # Without ListBucket an object that is not there is forbidden, not absent.
    ("s3", "get_object"): {*_READS, "s3:ListBucket"},
    ("s3", "put_object"): _WRITES,
    ("sns", "publish_batch"): {"sns:Publish"},
    ("sqs", "send_message_batch"): {"sqs:SendMessage"},
    ("s3", "copy_object"): _READS | _WRITES,
    ("s3", "delete_objects"): {"s3:DeleteObject"},
    ("s3", "list_objects_v2"): {"s3:ListBucket"},
    ("sagemaker", "create_training_job"): {"sagemaker:CreateTrainingJob", "iam:PassRole"},
    ("sagemaker", "create_model"): {"sagemaker:CreateModel", "iam:PassRole"},
}
# The same operation where it does other things: by the module of the request.
ACTIONS_IN: dict[tuple[str, str], set[str]] = {
    # The page's files are encrypted with a key of S3, which needs no permission.
    ("lambdas.adapters.site", "get_object"): {"s3:GetObject", "s3:ListBucket"},
    ("lambdas.adapters.site", "put_object"): {"s3:PutObject"},
    ("lambdas.adapters.definitions", "transact_write_items"): {
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    },
}
# What Lambda does with the role of each function, and with that of one that reads a stream.
_FUNCTION = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
_EVENT_SOURCE = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamConsumer",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
    "kinesis:SubscribeToShard",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:SendMessage",
}
# "Configuring permissions for your function role" of Lambda's guide to queues.
_QUEUE_SOURCE = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
_LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
SERVICES: dict[str, set[str]] = {
    # "Grant Firehose access to an Amazon S3 destination", and to a table for the conversion.
    "firehose.amazonaws.com": {
        "glue:GetTable",
        "glue:GetTableVersion",
        "glue:GetTableVersions",
        "kinesis:DescribeStream",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutObject",
    },
    # "SageMaker AI execution roles": CreateTrainingJob and CreateModel.
    "sagemaker.amazonaws.com": {
        "cloudwatch:PutMetricData",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    },
    # "Step 2: Create IAM roles" and "Write custom messages to CloudWatch Logs" of Managed Flink;
    # the job itself adds what the connector calls.
    "kinesisanalytics.amazonaws.com": {
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:GetObjectVersion",
    },
    # "Kinesis Data Streams" of IoT Core's rule actions.
    "iot.amazonaws.com": {"kinesis:PutRecord"},
    "states.amazonaws.com": {
        "lambda:InvokeFunction",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        *_LOG_DELIVERY,
    },
}
# The CDK writes these roles for functions and a state machine of its own.
_FRAMEWORK = re.compile(r"(Running|Restorable|Page)Provider(framework|waiter)")
# A method of the SDK for Java on the connector's client.
_JAVA_CALL = re.compile(r"\bclient\s*\.([a-z]\w+)\(")


@pytest.fixture(scope="module")
def templates(both: list[Template], dispatching: Synthesis) -> list[Template]:
    """The stacks of one region with all that any use case declares, and that of actions."""
    own = [t for t in both if not t.name.endswith("-actions")]
    return [*own, dispatching.stack(f"sdp-{REGION}-actions")]


def ours(templates: list[Template]) -> Iterator[tuple[Template, str, dict[str, Any]]]:
    """The functions that run code of ours: template, name and properties."""
    for template in templates:
        for name, function in template.all("AWS::Lambda::Function").items():
            if str(function["Properties"]["Handler"]).startswith("lambdas."):
                yield template, name, function["Properties"]


def needed(request: Request) -> set[str]:
    """The actions that IAM must allow for a request."""
    service, operation = request.service, request.operation
    module = request.place.rpartition(":")[0]
    if found := ACTIONS_IN.get((module, operation)) or ACTIONS.get((service, operation)):
        return found
    return {f"{IAM.get(service, service)}:{calls.operations(service)[operation]}"}


# A setting without which a function does not make the requests of a module: test_scoring has it.
ONLY_WITH = {
    ("lambdas.training.handler.release", "lambdas.adapters.definitions"): "definitions",
}


def is_made(request: Request, function: dict[str, Any]) -> bool:
    """Whether the function makes the request with the settings that it has."""
    module = request.place.rpartition(":")[0]
    setting = ONLY_WITH.get((function["Handler"], module))
    settings = json.dumps(function.get("Environment")).replace("\\", "")
    return setting is None or f'"{setting}":' in settings


def needs(template: Template, name: str, function: dict[str, Any]) -> set[str]:
    """The actions that a function's code and Lambda itself need."""
    found = set(_FUNCTION)
    for request in calls.reachable(function["Handler"]):
        if is_made(request, function):
            found |= needed(request)
    for mapping in template.properties("AWS::Lambda::EventSourceMapping"):
        if mapping["FunctionName"] == {"Ref": name}:
            found |= _EVENT_SOURCE if "StartingPosition" in mapping else _QUEUE_SOURCE
    return found


def test_each_function_may_do_what_its_code_does_and_nothing_else(
    templates: list[Template],
) -> None:
    wrong = {}
    for template, name, function in ours(templates):
        granted = {grant.action for grant in role_of(template, function).grants}
        wanted = needs(template, name, function)
        if granted != wanted:
            missing, superfluous = sorted(wanted - granted), sorted(granted - wanted)
            wrong[function["Handler"]] = {"missing": missing, "superfluous": superfluous}
    assert wrong == {}


def test_no_request_in_the_code_is_overlooked(templates: list[Template]) -> None:
    """A call that no function reaches is dead, or one that the walk does not see."""
    handlers = {function["Handler"] for _, _, function in ours(templates)}
    reached = {request for handler in handlers for request in calls.reachable(handler)}
    assert calls.all_requests() - reached == set()
    assert len(reached) > 40


def test_every_use_of_boto3_is_one_that_the_walk_can_read() -> None:
    """No client is made outside the adapters, and none is called by a computed name."""
    for name, module in calls.modules().items():
        source = calls.ROOT.joinpath(*name.split(".")).with_suffix(".py")
        content = source.read_text("utf-8") if source.is_file() else ""
        if "boto3" in module.imports:
            assert name.startswith(calls.ADAPTERS), name
            assert module.services, f"{name}: the service of its client is not a constant"
            assert "getattr(" not in content, name
            assert "boto3.resource" not in content, name


def test_services_that_work_for_us_may_do_what_they_document_and_nothing_else(
    templates: list[Template],
) -> None:
    wrong = {}
    for role in _service_roles(templates):
        granted = {grant.action for grant in role.grants}
        wanted = SERVICES[role.service] | _of_the_job(role)
        if granted != wanted:
            wrong[role.name] = {"missing": wanted - granted, "superfluous": granted - wanted}
    assert wrong == {}


def _service_roles(templates: list[Template]) -> Iterator[Role]:
    for template in templates:
        for role in roles(template):
            if role.service in SERVICES and not _FRAMEWORK.match(role.name):
                yield role


def _of_the_job(role: Role) -> set[str]:
    """What the connector and the source of definitions call, read from their code."""
    if role.service != "kinesisanalytics.amazonaws.com":
        return set()
    found = _java_calls("kinesis", "software.amazon.awssdk.services.kinesis")
    if any(
        u.has_versions and f"Analytics{u.name}Role" in role.name for u in usecases.load().use_cases
    ):
        found |= _java_calls("dynamodb", "software.amazon.awssdk.services.dynamodb")
    if any(u.model and f"Analytics{u.name}Role" in role.name for u in usecases.load().use_cases):
        found |= {"s3:GetObject", "kms:Decrypt"}  # a model's file
    return found


def _java_calls(service: str, package: str) -> set[str]:
    """The actions that Java code which imports the package needs."""
    called = {
        name
        for path in JVM.rglob("*.java")
        if package in (source := path.read_text("utf-8"))
        for name in _JAVA_CALL.findall(source)
    }
    by_java = {name[0].lower() + name[1:]: name for name in calls.operations(service).values()}
    assert called & by_java.keys(), f"the calls of {package} were not found"
    return {f"{service}:{by_java[name]}" for name in called & by_java.keys()}


def test_every_role_is_looked_at(templates: list[Template]) -> None:
    looked_at = {role_of(t, function).name for t, _, function in ours(templates)}
    looked_at |= {role.name for role in _service_roles(templates)}
    left = [r for t in templates for r in roles(t) if r.name not in looked_at]
    for role in left:
        assert _FRAMEWORK.match(role.name) or role.service == "apigateway.amazonaws.com", role.name


# --- resources


def test_objects_are_granted_by_folder_and_other_things_by_their_own_name(
    templates: list[Template],
) -> None:
    # Of a table also its folders of every kind: IAM bounds how many can be named.
    folder = re.compile(r"/([a-z]+/([a-z_]+/([a-z_]+/)?|\*/[a-z_]+/))\*$")
    for template, _, function in ours(templates):
        for grant in role_of(template, function).grants:
            service, _, action = grant.action.partition(":")
            if function["Handler"].startswith("lambdas.publish."):
                continue  # see test_dashboard
            if "Object" in action or "Multipart" in action:
                assert folder.search(grant.resource), (function["Handler"], grant)
            elif action == "DescribeExecution":
                assert re.search(r":execution:[a-z-]+-retrain:\*$", grant.resource), grant
            elif service in ("kinesis", "dynamodb", "kms", "states", "sqs", "iam", "lambda"):
                named = r"\{[^{}]+\}|arn:.*:(?:stream|table)/[a-z0-9-]+(?:/index/[a-z-]+)?"
                own = re.fullmatch(named, grant.resource)
                assert own, (function["Handler"], grant)
            elif service == "glue":
                assert not grant.resource.endswith("*"), (function["Handler"], grant)


def test_a_function_writes_into_the_streams_that_it_is_told_of(templates: list[Template]) -> None:
    for template, _, function in ours(templates):
        reported = function["Environment"]["Variables"].get("SDP_STREAMS")
        written = role_of(template, function).on("kinesis:PutRecords")
        if reported is None:
            assert not written
            continue
        named = _streams(text(reported) if not isinstance(reported, str) else reported)
        letters = {key for key in named if key.endswith("dead-letters")}
        messages = {key for key in named if key.endswith("/mqtt")}  # read, and made events of
        expected = set(named) - messages if messages else letters or set(named)
        assert len(written) == len(expected), function["Handler"]
        for key in expected:
            # by ingestion's own resource, or, from another stack, by its name
            own = (key.replace("/", "").replace("-", ""), f":stream/sdp-{key.replace('/', '-')}")
            assert any(own[0] in arn or arn.endswith(own[1]) for arn in written)


def _streams(setting: str) -> list[str]:
    """The keys of the streams in a setting whose values are known at deployment only."""
    return re.findall(r'"([a-z0-9-]+/[a-z0-9-]+)":', setting)


def test_a_function_touches_the_tables_that_it_is_told_of(templates: list[Template]) -> None:
    for template, _, function in ours(templates):
        # A variable may be a JSON document itself, with its names in quotes.
        reported = json.dumps(function["Environment"]["Variables"]).replace("\\", "")
        for grant in role_of(template, function).grants:
            if grant.action.startswith("dynamodb:"):
                table = grant.resource.strip("{}").rpartition("table/")[2]
                name = table.partition("/index/")[0]
                assert f'"{name}"' in reported, (function["Handler"], grant)


def test_only_progress_is_read_by_its_key_alone(templates: list[Template]) -> None:
    """Nobody queries it, and persist only puts it."""
    (reporting,) = (t for t in templates if t.name.endswith("-reporting"))
    progress = next(
        f"{{{name}}}"
        for name, table in reporting.all("AWS::DynamoDB::Table").items()
        if table["Properties"]["TableName"] == "sdp-progress"
    )
    granted = {
        function["Handler"]: {
            g.action for g in role_of(t, function).grants if g.resource == progress
        }
        for t, _, function in ours([reporting])
    }
    assert granted == {
        "lambdas.audit.handler.handler": {"dynamodb:GetItem"},
        "lambdas.persist.handler.handler": {"dynamodb:PutItem"},
        "lambdas.reports.handler.handler": {"dynamodb:GetItem"},
    }


def test_whoever_reads_an_object_may_be_told_that_it_is_absent(templates: list[Template]) -> None:
    """S3 answers 403 for a key that is not there, unless the bucket may be listed. A condition on
    the prefix does not help: a request for an object has no prefix.
    """
    for template, _, function in ours(templates):
        role = role_of(template, function)
        if role.on("s3:GetObject"):
            lists = [grant for grant in role.grants if grant.action == "s3:ListBucket"]
            buckets = 2 if function["Handler"].startswith("lambdas.publish.") else 1
            assert [g.conditional for g in lists] == [False] * buckets, function["Handler"]


# --- images and reasons


@pytest.mark.parametrize(
    ("image", "arn"),
    [
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/trainer:7",
            "arn:aws:ecr:eu-west-1:123456789012:repository/team/trainer",
        ),
        (
            f"123456789012.dkr.ecr.us-east-1.amazonaws.com/trainer@sha256:{'a' * 64}",
            "arn:aws:ecr:us-east-1:123456789012:repository/trainer",
        ),
    ],
)
def test_a_private_training_image_may_be_pulled_by_the_jobs(image: str, arn: str) -> None:
    assert training_image("us-east-1", image).repository_arn == arn


@pytest.mark.parametrize(
    "image", ["trainer", "docker.io/library/trainer:1", "public.ecr.aws/a/b:1", "12.dkr.ecr.x/y"]
)
def test_an_image_that_sagemaker_cannot_pull_is_refused_by_name(image: str) -> None:
    from glue.errors import ParameterError
    from infra.settings import Settings

    with pytest.raises(ParameterError, match="trainingImage"):
        Settings.parse({"trainingImage": image})


def test_the_reason_for_a_permission_on_everything_names_the_permission(
    synthesis: Synthesis,
) -> None:
    """`*` stands only where IAM has no resource for an action; the reason says for which."""
    reasons = {
        _logical_id(where["constructPath"]): finding["reason"]
        for finding in synthesis.checks["suppressedViolations"]
        for where in finding["violatingConstructs"]
        if finding["ruleName"].endswith("IAM5[Resource::*]")
    }
    for template in (t for t in synthesis.templates if t.name.startswith(f"sdp-{REGION}-")):
        for name, policy in template.policies.items():
            everywhere = {
                action
                for statement in policy["PolicyDocument"]["Statement"]
                if "*" in listed(statement["Resource"])
                for action in listed(statement["Action"])
            }
            for action in everywhere:
                reason = reasons[name[: -len(_HASH)]]
                words = {"xray": "X-Ray", "logs": "log"}.get(action.partition(":")[0], action)
                assert words in reason, (name, action, reason)


_HASH = "12345678"  # the CDK ends a logical id with this many digits of a digest


def _logical_id(path: str) -> str:
    """A construct's logical id without its digest: the names on its path, below the stack."""
    return "".join(re.sub(r"\W", "", part) for part in path.split("/")[2:] if part != "Resource")


# --- sizes


def test_what_a_function_is_told_fits_into_its_environment(templates: list[Template]) -> None:
    """Lambda takes 4 KB of names and values together; half of it is left for more use cases."""
    for _, name, function in ours(templates):
        variables = function["Environment"]["Variables"]
        assert sum(len(n) + len(text(v)) for n, v in variables.items()) < 2_048, name


def test_the_policies_of_a_role_fit_into_it(templates: list[Template]) -> None:
    """IAM takes 10,240 characters, white space aside; a quarter is left for more use cases.

    The page's function needs the most, 6,700: a folder of the lake for each table of a view.
    """
    for template in templates:
        for role in roles(template):
            policies = [
                policy["PolicyDocument"]
                for policy in template.policies.values()
                if {"Ref": role.name} in policy["Roles"]
            ]
            assert sum(len(_rendered(policy)) for policy in policies) < 7_680, role.name


def _rendered(policy: dict[str, Any]) -> str:
    """As IAM is given it: names of resources in the place of references."""
    statements = [
        {**s, "Resource": [text(r) for r in listed(s["Resource"])]} for s in policy["Statement"]
    ]
    return json.dumps(statements, separators=(",", ":"))
