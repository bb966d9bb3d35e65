"""A function that the emulator runs cannot send what the service would refuse."""

from __future__ import annotations

import json

from tests.emulator.archives import zipped
from tests.emulator.conftest import Client

CODE = """
import botocore.session

def handler(event, context):
    client = botocore.session.get_session().create_client("kinesis")
    client.put_record(StreamName="requests", Data=b"x", PartitionKey="k" * event["length"])
    return "sent"
"""


def test_a_partition_key_that_kinesis_refuses_is_refused_in_the_function(client: Client) -> None:
    client("kinesis").create_stream(StreamName="requests", ShardCount=1)
    functions = client("lambda")
    functions.create_function(
        FunctionName="requests",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="index.handler",
        Code={"ZipFile": zipped(CODE)},
        Timeout=60,
    )
    answers = [
        functions.invoke(FunctionName="requests", Payload=json.dumps({"length": length}))
        for length in (256, 257)
    ]
    assert json.loads(answers[0]["Payload"].read()) == "sent"
    assert answers[1]["FunctionError"]
    error = json.loads(answers[1]["Payload"].read())["errorMessage"]
    assert "kinesis PutRecord: 1 validation error detected" in error
    assert "less than or equal to 256" in error
