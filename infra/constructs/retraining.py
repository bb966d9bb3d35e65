"""One use case's retraining: its state machine, the functions of its steps, and what starts it.

Each function has its own role: one uses the budget, one starts jobs, one releases models.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from glue.targets.lake import LakeTable
from infra import workflow
from infra.assets import Assets
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import PlatformFunction
from infra.constructs.lake import Lake
from infra.constructs.logs import log_group
from infra.constructs.model_role import ModelRole
from infra.constructs.permissions import (
    allow,
    allow_named,
    query_table,
    read_objects,
    write_objects,
)
from infra.images import Image
from infra.settings import Settings

SAGEMAKER = "sagemaker.amazonaws.com"
_MODELS = (
    "CreateModel",
    "CreateEndpointConfig",
    "CreateEndpoint",
    "UpdateEndpoint",
    "DeleteEndpoint",
    "DescribeEndpoint",
    "InvokeEndpoint",
)
_REGISTRY = (
    "CreateModelPackageGroup",
    "CreateModelPackage",
    "DescribeModelPackage",
    "UpdateModelPackage",
)
# What the function that promotes calls (DynamoDefinitions).
_ANNOUNCE = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_JOBS = ("CreateTrainingJob", "DescribeTrainingJob")


@dataclass(frozen=True)
class Trained:
    """What to train: the use case's name, its rows, database, and workgroup.

    `definitions`: the table of its versions, by which the stream knows the champion.
    """

    use_case: str
    table: LakeTable
    database: str
    workgroup: str
    definitions: str

    @property
    def models(self) -> str:
        """The key prefix of its models."""
        return f"models/{self.use_case}/"


class Retraining(Construct):
    """`machine`: the state machine. `release`: the function for manual switches of models."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        trained: Trained,
        lake: Lake,
        ledger: dynamodb.Table,
        image: Image,
        code: s3_assets.Asset,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_)
        self._trained, self._lake, self._ledger = trained, lake, ledger
        self._settings, self._assets = settings, assets
        self.name = f"{settings.prefix}-{trained.use_case}"
        self._model_role = ModelRole(
            self,
            "Model",
            lake=lake,
            table=trained.table,
            models=trained.models,
            code=code,
            image=image,
        ).role
        self.functions = {
            workflow.ADMIT: self._admit(),
            workflow.PREPARE: self._prepare(),
            workflow.JOBS: self._jobs(image, code),
            workflow.RELEASE: self._release(image),
        }
        self.machine = self._machine()
        self.decide = self._decide()

    @property
    def release(self) -> lambda_.Function:
        """The function that updates the endpoint."""
        return self.functions[workflow.RELEASE]

    def _admit(self) -> lambda_.Function:
        training = self._settings.training
        function = self._function(
            "Admit",
            "admit",
            ledger=self._ledger.table_name,
            runs_per_day=training.runs_per_day,
            minutes_per_day=training.minutes_per_day,
            minutes_per_run=training.minutes_per_run,
            lock_minutes=training.run_minutes,
            state_machine=self._machine_arn,
        )
        actions = ("GetItem", "PutItem", "UpdateItem")
        self._ledger.grant(function, *(f"dynamodb:{action}" for action in actions))
        self._look_at_runs(function)
        return function

    def _prepare(self) -> lambda_.Function:
        training = self._settings.training
        function = self._function(
            "Prepare",
            "prepare",
            timeout=180,
            **self._locations(),
            days=training.days,
            sample_rows=training.sample_rows,
        )
        self._query(function)
        write_objects(_role(function), self._lake, self._trained.models)
        return function

    def _jobs(self, image: Image, code: s3_assets.Asset) -> lambda_.Function:
        training = self._settings.training
        function = self._function(
            "Jobs",
            "run_jobs",
            bucket=self._lake.bucket.bucket_name,
            image=image.uri,
            code=code.s3_object_url,
            role=self._model_role.role_arn,
            instance=training.instance,
            minutes_per_job=training.minutes_per_job,
            sample_rows=training.sample_rows,
        )
        self._sagemaker(function, _JOBS, "training-job", f"{self.name}-*")
        self._pass_role(function)
        self._model_objects(function)
        return function

    def _release(self, image: Image) -> lambda_.Function:
        training = self._settings.training
        function = self._function(
            "Release",
            "release",
            timeout=120,
            everywhere="Neither has sagemaker:ListModelPackages.",
            bucket=self._lake.bucket.bucket_name,
            image=image.uri,
            role=self._model_role.role_arn,
            memory_mib=training.endpoint_memory_mib,
            concurrency=training.endpoint_concurrency,
            ledger=self._ledger.table_name,
            **self._announcing(),
        )
        table = cdk.Stack.of(self).format_arn(
            service="dynamodb", resource="table", resource_name=self._trained.definitions
        )
        allow(_role(function), _ANNOUNCE, [table])
        # The lock of the endpoint, for the release of a run and a switch by hand.
        self._ledger.grant(function, "dynamodb:GetItem", "dynamodb:UpdateItem")
        for kind, name in (
            ("model", f"{self.name}-*"),
            ("endpoint-config", f"{self.name}-*"),
            ("endpoint", self.name),
        ):
            self._sagemaker(function, _MODELS, kind, name)
        for kind, name in (("model-package-group", self.name), ("model-package", f"{self.name}/*")):
            self._sagemaker(function, _REGISTRY, kind, name)
        allow(_role(function), ["sagemaker:ListModelPackages"], ["*"])
        self._pass_role(function)
        self._model_objects(function)
        return function

    def _announcing(self) -> dict[str, object]:
        """Where the champion is written for the stream, and how long before it scores."""
        parameters = self._settings.parameters[self._trained.use_case]
        lead = cast(timedelta, parameters["DefinitionsLead"])
        milliseconds = lead // timedelta(milliseconds=1)
        return {"definitions": self._trained.definitions, "lead_ms": milliseconds}

    def _decide(self) -> lambda_.Function:
        training = self._settings.training
        function = self._function(
            "Decide",
            "decide",
            timeout=180,
            **self._locations(),
            ledger=self._ledger.table_name,
            state_machine=self.machine.state_machine_arn,
            every=training.every,
            rows=training.rows,
            psi=training.psi,
            least=training.min_rows,
            days=training.days,
        )
        self._query(function)
        read_objects(_role(function), self._lake, self._trained.models)
        self._ledger.grant(function, "dynamodb:GetItem")
        allow(_role(function), ["states:StartExecution"], [self.machine.state_machine_arn])
        self._look_at_runs(function)
        events.Rule(
            self,
            "Look",
            description=f"Whether {self._trained.use_case} has enough rows to train on",
            schedule=events.Schedule.rate(cdk.Duration.minutes(training.look_minutes)),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        return function

    @property
    def _machine_arn(self) -> str:
        """By its name: the machine's own ARN would wait for the functions that it calls."""
        return cdk.Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=self._machine_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _machine_name(self) -> str:
        return f"{self.name}-retrain"

    def _look_at_runs(self, function: lambda_.Function) -> None:
        allow_named(
            _role(function),
            ["states:DescribeExecution"],
            "states",
            "execution",
            f"{self._machine_name}:*",
            "A run has the name of the execution that has the lock.",
            cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    def _machine(self) -> sfn.StateMachine:
        arns = {name: function.function_arn for name, function in self.functions.items()}
        training = self._settings.training
        asl = workflow.definition(
            arns, poll_seconds=training.poll_seconds, minutes=training.run_minutes
        )
        role = iam.Role(
            self, "MachineRole", assumed_by=iam.ServicePrincipal("states.amazonaws.com")
        )
        allow(role, ["lambda:InvokeFunction"], arns.values())
        reason = "The actions of X-Ray and of the delivery of logs have no resource."
        acknowledge(role, {"IAM5[Resource::*]": reason})
        return sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self._machine_name,
            definition_body=sfn.DefinitionBody.from_string(cdk.Stack.of(self).to_json_string(asl)),
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=log_group(self, "MachineLogs", settings=self._settings),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )

    def _function(
        self, id_: str, entry: str, *, timeout: int = 60, everywhere: str = "", **values: object
    ) -> lambda_.Function:
        known = {"prefix": self._settings.prefix, "use_case": self._trained.use_case}
        return PlatformFunction(
            self,
            f"{id_}Function",
            handler=f"training.handler.{entry}",
            assets=self._assets,
            settings=self._settings,
            environment={"SDP_MODEL": cdk.Stack.of(self).to_json_string({**known, **values})},
            memory_mib=512,
            timeout_seconds=timeout,
            everywhere=everywhere,
        ).function

    def _locations(self) -> dict[str, str]:
        return {
            "bucket": self._lake.bucket.bucket_name,
            "database": self._trained.database,
            "workgroup": self._trained.workgroup,
            "table": self._trained.table.parquet,
        }

    def _query(self, function: lambda_.Function) -> None:
        trained = self._trained
        stack = cdk.Stack.of(self)
        query_table(
            _role(function), stack, self._lake, trained.table, trained.database, trained.workgroup
        )

    def _model_objects(self, function: lambda_.Function) -> None:
        read_objects(_role(function), self._lake, self._trained.models)
        write_objects(_role(function), self._lake, self._trained.models)

    def _sagemaker(
        self, function: lambda_.Function, actions: tuple[str, ...], kind: str, name: str
    ) -> None:
        names = [f"sagemaker:{action}" for action in actions]
        reason = "Named by the run that makes it, all with the use case's own prefix."
        allow_named(_role(function), names, "sagemaker", kind, name, reason)

    def _pass_role(self, function: lambda_.Function) -> None:
        allow(
            _role(function),
            ["iam:PassRole"],
            [self._model_role.role_arn],
            {"StringEquals": {"iam:PassedToService": SAGEMAKER}},
        )


def _role(function: lambda_.Function) -> iam.Role:
    assert isinstance(function.role, iam.Role)
    return function.role
