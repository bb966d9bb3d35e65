"""An emulator of our own, started as the platform starts it, without anything deployed to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from multiprocessing.util import get_temp_dir
from typing import Any

import pytest

from sdpctl.local import aws, emulator
from sdpctl.settings import Settings
from tests.emulator.aged import IMPRESSIONS, AgedLake, table_of

Client = Callable[[str], Any]

# Python removes it at its own end, when the temporary folder of the tests is gone: not in there.
get_temp_dir()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running emulator; it ends with the tests."""
    with emulator.alone(tmp_path_factory.mktemp("emulator")) as made:
        yield made


@pytest.fixture(scope="session")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Another emulator, which tests may kill and start again."""
    with emulator.alone(tmp_path_factory.mktemp("mortal")) as made:
        yield made


@pytest.fixture(scope="session")
def client(settings: Settings) -> Client:
    """Clients of the emulator by service."""
    return lambda service: aws.client(settings, service)


DEPLOYED = {
    "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    "Outputs": {"UseCases": {"Value": "adtech"}},
}


@pytest.fixture(scope="session")
def deployed(client: Client, settings: Settings) -> None:
    """A stack that says which use cases are deployed, as commands read it."""
    stack = f"{settings.stage}-deployed"
    client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(DEPLOYED))
    client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1}
    )


@pytest.fixture(scope="session")
def database(client: Client, deployed: None) -> str:
    """The use case's database, without tables."""
    client("glue").create_database(DatabaseInput={"Name": "sdp_adtech"})
    return "sdp_adtech"


@pytest.fixture(scope="session")
def aged_lake(client: Client, database: str) -> str:
    """The table of impressions with a merged and a fresh hour that repeats a row; its bucket."""
    bucket = "an-aged-lake"
    AgedLake(client, bucket, database).fill(table_of("adtech", "parquet_impressions"), *IMPRESSIONS)
    return bucket


@pytest.fixture(scope="session")
def workgroup(client: Client, database: str) -> str:
    """The use case's workgroup of Athena, whose results are in a bucket of their own."""
    client("s3").create_bucket(Bucket="results-of-tests")
    location = {"OutputLocation": "s3://results-of-tests/athena/adtech/"}
    client("athena").create_work_group(
        Name="sdp-adtech", Configuration={"ResultConfiguration": location}
    )
    return "sdp-adtech"
