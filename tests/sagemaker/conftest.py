"""The stand-in in this process, S3 in memory, and boto3 as any program uses it."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from sdpctl.local import service_models
from sdpctl.local.sagemaker.__main__ import compose
from sdpctl.local.sagemaker.resources import Account
from sdpctl.local.sagemaker.server import Server

BUCKET = "lake"
ROLE = "arn:aws:iam::000000000000:role/model"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}

# Adds up the numbers of its files; the model multiplies by what it has learnt.
TRAIN = """
import argparse, json, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=float, default=1)
parser.add_argument("--fail", default="")
parser.add_argument("--seconds", type=float, default=0)
requested = parser.parse_args()
time.sleep(requested.seconds)
if requested.fail == "said":
    pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("no numbers in the data")
if requested.fail:
    sys.exit("the data is of no use")
files = sorted(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.txt"))
total = sum(float(f.read_text()) for f in files)
model = {"factor": requested.factor * total, "files": len(files)}
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(model))
seen = {k: v for k, v in os.environ.items() if k.startswith("SM_")}
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "seen.json").write_text(json.dumps(seen))
"""
INFERENCE = """
import json, pathlib
def model_fn(folder):
    return json.loads(pathlib.Path(folder, "model.json").read_text())
def input_fn(body, content_type):
    assert content_type == "application/json", content_type
    return json.loads(body)
def predict_fn(numbers, model):
    return [n * model["factor"] for n in numbers]
def output_fn(numbers, accept):
    return json.dumps(numbers), accept
"""


def archive(**files: str | bytes) -> bytes:
    """A tar.gz of files; their names with __ for the dot."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@dataclass
class Place:
    """One stand-in and the clients to it."""

    home: Path
    s3: Any
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As the process does when it starts."""
        account = Account("us-east-1", "000000000000")
        self.server = compose(self.home, self.home / "logs", 0, account, self.s3)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """As the process does on SIGTERM."""
        self.server.shutdown()
        self.server.server_close()

    def client(self, service: str) -> Any:
        """A boto3 client that does not repeat calls: what fails is to be seen."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.server.server_address[1]}",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
            **KEYS,
        )

    def any_client(self, service: str) -> Any:
        """A client that sends what the service refuses, as other SDKs and languages can."""
        client = self.client(service)
        client.meta.events.unregister("before-parameter-build", service_models.check)
        return client

    def put(self, key: str, body: bytes | str) -> str:
        """An object of the bucket; its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        """An object."""
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))[
            "Body"
        ].read()
        return body

    def job(self, name: str, *, uri: str = "", kind: str = "S3Prefix", **given: str) -> Any:
        """A training job as callers ask for it; `given` are hyperparameters."""
        return {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{BUCKET}/code.tar.gz",
                **given,
            },
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "S3DataSource": {"S3DataType": kind, "S3Uri": uri or self.numbers}
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/jobs"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 10,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }

    numbers = f"s3://{BUCKET}/numbers/"

    def config(self, name: str, factor: float | None, *, own_code: bool = False) -> str:
        """Model and endpoint configuration of a factor (None: an archive that is none)."""
        files = {"model__json": json.dumps({"factor": factor})}
        if own_code:
            files["code/inference__py"] = INFERENCE
        body = b"corrupt" if factor is None else archive(**files)
        source = "/opt/ml/model/code" if own_code else f"s3://{BUCKET}/code.tar.gz"
        sagemaker = self.client("sagemaker")
        container = {
            "Image": "image",
            "ModelDataUrl": self.put(f"{name}.tar.gz", body),
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": source,
            },
        }
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
        variant = {"VariantName": "primary", "ModelName": name, "ServerlessConfig": serverless}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def wait(self, waiter: str, **request: str) -> None:
        """boto3's own waiter, asking more often."""
        often = {"Delay": 1, "MaxAttempts": 60}
        self.client("sagemaker").get_waiter(waiter).wait(**request, WaiterConfig=often)

    def invoke(self, endpoint: str, numbers: list[float]) -> Any:
        """Call the endpoint."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=json.dumps(numbers), ContentType="application/json"
        )
        return json.loads(answer["Body"].read())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with mock_aws():
        s3 = boto3.client("s3", **KEYS)
        s3.create_bucket(Bucket=BUCKET)
        made = Place(tmp_path, s3)
        made.put("code.tar.gz", archive(train__py=TRAIN, inference__py=INFERENCE))
        made.put("numbers/a/1.txt", "1")
        made.put("numbers/b/1.txt", "2")
        made.put("numbers/b/2.txt", "4")
        yield made
        made.stop()


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)
