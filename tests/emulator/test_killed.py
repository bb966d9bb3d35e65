"""The emulator is killed: what it answered is there when it runs again, once."""

from __future__ import annotations

import json
import resource
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.local import emulator
from sdpctl.local.launcher.journal import Journal
from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.emulator.test_full_disk import _largest_file
from tests.local.driver import wait_until

STREAM = "accepted"
WRITERS = 4
Row = tuple[str, str, bytes]  # shard, sequence number, data


@pytest.fixture(scope="module")
def own(mortal: Settings) -> Settings:
    """With a stream of two shards; killed again and again."""
    _client(mortal, "kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    return mortal


def _client(settings: Settings, service: str) -> Any:
    """A client that does not retry."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _kill(settings: Settings) -> None:
    """As `kill -9`, then start it again."""
    process = emulator.service(settings).process()
    assert process
    process.kill()
    process.wait(30)
    emulator.start(settings)


def _rows(settings: Settings, stream: str = STREAM) -> list[Row]:
    """What the stream contains, shard by shard in order."""
    kinesis, rows = _client(settings, "kinesis"), list[Row]()
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(StreamName=stream, **start)["ShardIterator"]
        page = kinesis.get_records(ShardIterator=iterator)["Records"]
        rows += [(shard["ShardId"], r["SequenceNumber"], r["Data"]) for r in page]
    return rows


def _put(kinesis: Any, *data: bytes) -> list[Row]:
    """Put records; the accepted ones as they were answered."""
    records = [{"Data": d, "PartitionKey": d.decode()} for d in data]
    results = kinesis.put_records(StreamName=STREAM, Records=records)["Records"]
    return [
        (r["ShardId"], r["SequenceNumber"], d)
        for r, d in zip(results, data, strict=True)
        if "ErrorCode" not in r
    ]


def _write(settings: Settings, writer: int, accepted: list[Row], many: threading.Event) -> None:
    """Put batches until the emulator no longer answers."""
    kinesis = _client(settings, "kinesis")
    with suppress(BotoCoreError, ClientError):
        for batch in range(10_000):
            accepted += _put(kinesis, *(f"{writer}-{batch}-{n}".encode() for n in range(5)))
            if batch == 20:
                many.set()


def test_what_was_accepted_survives_a_kill_in_the_middle_of_writing(own: Settings) -> None:
    accepted, many = [list[Row]() for _ in range(WRITERS)], threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        for writer, rows in enumerate(accepted):
            pool.submit(_write, own, writer, rows, many)
        assert many.wait(60)
        _kill(own)
    everything, stored = {row for rows in accepted for row in rows}, _rows(own)
    assert len(everything) >= 100
    assert everything <= set(stored)
    assert len(stored) == len(set(stored))
    assert stored == sorted(stored)  # each shard in the order of its sequence numbers
    unanswered = len(stored) - len(everything)
    assert unanswered <= WRITERS * 5  # the one call of each that was not answered


def _table(settings: Settings) -> None:
    _client(settings, "dynamodb").create_table(
        TableName="totals",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _add(settings: Settings, amount: int) -> None:
    _client(settings, "dynamodb").update_item(
        TableName="totals",
        Key={"k": {"S": "total"}},
        UpdateExpression="ADD n :n",
        ExpressionAttributeValues={":n": {"N": str(amount)}},
    )


ITEM = {"k": {"S": "kept"}}
LAKE = {"DatabaseName": "lake", "TableName": "rows"}
SHARD = "shardId-000000000000"
TEMPLATE = {
    "Resources": {
        "Stream": {
            "Type": "AWS::Kinesis::Stream",
            "Properties": {"Name": "deployed", "ShardCount": 1},
        },
        "Split": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "split", "ShardCount": 1}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "deployed",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            },
        },
    }
}


# Appends the data of each record that it is called with to a file.
HANDLER = """
import base64
def handler(event, context):
    with open({file!r}, "a") as out:
        for record in event["Records"]:
            print(base64.b64decode(record["kinesis"]["data"]).decode(), file=out)
"""


@dataclass
class Killed:
    """What was answered before an end, a journal that outlived it, and a kill."""

    called: Path
    rows: list[Row] = field(default_factory=list)
    shards: list[Any] = field(default_factory=list)

    def seen(self) -> list[str]:
        """The records of one letter that the function was called with."""
        called = self.called.read_text().split() if self.called.exists() else []
        return sorted(name for name in called if len(name) == 1)

    def process(self, own: Settings, *batch: str) -> None:
        """Put records and wait until the function has had them, and that is written."""
        _put(_client(own, "kinesis"), *(name.encode() for name in batch))
        wait_until(lambda: set(batch) <= set(self.seen()), 90, lambda: str(self.seen()))
        wait_until(lambda: _noted(own, batch[-1]), 30, lambda: "its position is not written")


@pytest.fixture(scope="module")
def killed(own: Settings, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Everything is prepared; then the emulator is ended, and killed, and runs again."""
    folder = tmp_path_factory.mktemp("called")
    done = Killed(folder / "called")
    _deploy(own)
    _call_with_new_records(own, done.called)
    _table(own)
    _add(own, 1)
    done.process(own, "a", "b", "c")
    _end_and_keep_the_journal(own, folder)
    _add(own, 10)
    done.process(own, "d", "e")
    _fill(own)
    done.rows = _rows(own)
    done.shards = _client(own, "kinesis").list_shards(StreamName=STREAM)["Shards"]
    emulator.service(own).kill()
    newest = max(_journal(own).iterdir())
    with newest.open("ab") as file:
        file.write(b'{"number": 999999, "put": ["000')
    emulator.start(own)
    return done


def _journal(own: Settings) -> Path:
    return own.home / "emulator" / "state" / "journal" / "kinesis"


def _end_and_keep_the_journal(own: Settings, folder: Path) -> None:
    """As if it were killed after its state was saved, before its journals were trimmed."""
    journals = _journal(own).parent
    shutil.copytree(journals, folder / "kept")
    emulator.stop(own)
    shutil.rmtree(journals)
    shutil.copytree(folder / "kept", journals)
    emulator.start(own)


def _deploy(own: Settings) -> None:
    stacks = _client(own, "cloudformation")
    stacks.create_stack(StackName="deployed", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="deployed", WaiterConfig={"Delay": 1})
    _client(own, "dynamodb").put_item(TableName="deployed", Item=ITEM)
    _client(own, "kinesis").put_record(StreamName="deployed", Data=b"kept", PartitionKey="k")


def _fill(own: Settings) -> None:
    """The lake, a queue, a stream that is split and one that is deleted."""
    glue, s3, sqs, kinesis = (_client(own, name) for name in ("glue", "s3", "sqs", "kinesis"))
    glue.create_database(DatabaseInput={"Name": "lake"})
    table = {"Name": "rows", "PartitionKeys": [{"Name": "hour", "Type": "string"}]}
    glue.create_table(DatabaseName="lake", TableInput=table)
    glue.batch_create_partition(**LAKE, PartitionInputList=[{"Values": ["07"]}])
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="part-1", Body=b"rows")
    queue = sqs.create_queue(QueueName="actions")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    kinesis.create_stream(StreamName="gone", ShardCount=1)
    kinesis.delete_stream(StreamName="gone")
    half = str(2**126)
    kinesis.put_record(StreamName="split", Data=b"before", PartitionKey="k")
    kinesis.split_shard(StreamName="split", ShardToSplit=SHARD, NewStartingHashKey=half)
    kinesis.put_record(StreamName="split", Data=b"after", PartitionKey="k")


def test_a_record_keeps_its_shard_and_its_number_over_kills_and_ends(
    own: Settings, killed: Killed
) -> None:
    assert {data for *_, data in killed.rows} >= {b"a", b"b", b"c", b"d", b"e"}
    assert len(killed.rows) == len(set(killed.rows))
    assert _rows(own) == killed.rows


def test_a_sum_counts_each_write_once(own: Settings, killed: Killed) -> None:
    key = {"TableName": "totals", "Key": {"k": {"S": "total"}}}
    assert _client(own, "dynamodb").get_item(**key)["Item"]["n"] == {"N": "11"}


def test_a_deployed_stack_survives_with_its_resources(own: Settings, killed: Killed) -> None:
    stack = _client(own, "cloudformation").describe_stacks(StackName="deployed")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = _client(own, "dynamodb").get_item(TableName="deployed", Key=ITEM)
    assert found["Item"] == ITEM
    assert [data for *_, data in _rows(own, "deployed")] == [b"kept"]


def test_partitions_buckets_and_queues_survive(own: Settings, killed: Killed) -> None:
    glue, s3, sqs = (_client(own, name) for name in ("glue", "s3", "sqs"))
    assert [p["Values"] for p in glue.get_partitions(**LAKE)["Partitions"]] == [["07"]]
    assert s3.get_object(Bucket="lake", Key="part-1")["Body"].read() == b"rows"
    queue = sqs.get_queue_url(QueueName="actions")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "one"


def test_a_stream_that_was_split_or_deleted_is_so_after_a_kill(
    own: Settings, killed: Killed
) -> None:
    kinesis = _client(own, "kinesis")
    assert {STREAM, "deployed", "split"} <= {*kinesis.list_streams()["StreamNames"]}
    assert "gone" not in kinesis.list_streams()["StreamNames"]
    assert kinesis.list_shards(StreamName=STREAM)["Shards"] == killed.shards
    shards = kinesis.list_shards(StreamName="split")["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, SHARD, SHARD]
    assert "EndingSequenceNumber" in shards[0]["SequenceNumberRange"]
    assert [data for *_, data in _rows(own, "split")] == [b"before", b"after"]


def test_a_function_goes_on_after_the_records_that_it_was_called_with(
    own: Settings, killed: Killed
) -> None:
    killed.process(own, "f")
    assert killed.seen() == ["a", "b", "c", "d", "e", "f"]


def test_a_record_that_cannot_be_written_is_refused_and_not_stored(
    own: Settings, killed: Killed
) -> None:
    kinesis, before = _client(own, "kinesis"), _rows(own)
    _largest_file(own, 1)
    answer = kinesis.put_records(
        StreamName=STREAM, Records=[{"Data": b"two", "PartitionKey": "two"}]
    )
    assert answer["FailedRecordCount"] == 1
    assert answer["Records"][0]["ErrorCode"] == "InternalFailure"
    assert "not written to the disk" in answer["Records"][0]["ErrorMessage"]
    with pytest.raises(ClientError, match="not written to the disk"):
        kinesis.put_record(StreamName=STREAM, Data=b"two", PartitionKey="two")
    with pytest.raises(ClientError, match="not written to the disk"):
        _add(own, 100)
    _largest_file(own, resource.RLIM_INFINITY)
    assert _rows(own) == before


def _noted(settings: Settings, data: str) -> bool:
    """Whether the journal has the position behind the record."""
    (number,) = (n for _, n, d in _rows(settings) if d == data.encode())
    entries = Journal(_journal(settings)).entries(0)
    positions = [p for e in entries for *_, p in e.get("positions", [])]
    return any(number in p.values() for p in positions)


def _call_with_new_records(settings: Settings, file: Path) -> None:
    """A function that is called with the records of the stream."""
    _function(settings, HANDLER.format(file=str(file)))
    stream = _client(settings, "kinesis").describe_stream_summary(StreamName=STREAM)
    _client(settings, "lambda").create_event_source_mapping(
        FunctionName="reader",
        EventSourceArn=stream["StreamDescriptionSummary"]["StreamARN"],
        StartingPosition="TRIM_HORIZON",
    )


def _function(settings: Settings, source: str) -> None:
    _client(settings, "lambda").create_function(
        FunctionName="reader",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="index.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=30,
    )


def test_what_could_not_be_saved_is_saved_before_it_is_confirmed(own: Settings) -> None:
    """Not only in memory: a client that tries again learns that there is one already."""
    glue = _client(own, "glue")
    _largest_file(own, 1)
    with pytest.raises(ClientError, match="InternalFailure"):
        glue.create_database(DatabaseInput={"Name": "full"})
    _largest_file(own, resource.RLIM_INFINITY)
    with pytest.raises(ClientError, match="AlreadyExists"):
        glue.create_database(DatabaseInput={"Name": "full"})
    _kill(own)
    assert "full" in {found["Name"] for found in glue.get_databases()["DatabaseList"]}


def _total(settings: Settings) -> int:
    key = {"TableName": "totals", "Key": {"k": {"S": "total"}}}
    item = _client(settings, "dynamodb").get_item(**key)["Item"]
    return int(item["n"]["N"])


def test_an_item_that_could_not_be_written_is_not_read_before_it_is(
    own: Settings, killed: Killed
) -> None:
    """Who read it would find an older one after a kill: a version that falls."""
    before = _total(own)
    _largest_file(own, 1)
    with pytest.raises(ClientError, match="not written to the disk"):
        _add(own, 1000)
    with pytest.raises(ClientError, match="not written to the disk"):
        _total(own)
    with pytest.raises(ClientError, match="not written to the disk"):  # and nothing is applied
        _add(own, 1000)
    _kill(own)
    assert _total(own) == before
    _largest_file(own, 1)
    with pytest.raises(ClientError, match="not written to the disk"):
        _add(own, 1000)
    _largest_file(own, resource.RLIM_INFINITY)
    assert _total(own) == before + 1000
    _kill(own)
    assert _total(own) == before + 1000


def test_a_table_that_could_not_be_saved_is_not_listed_before_it_is(own: Settings) -> None:
    dynamodb = _client(own, "dynamodb")
    table = {
        "TableName": "full",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    _largest_file(own, 1)
    with pytest.raises(ClientError, match="not written to the disk"):
        dynamodb.create_table(**table)
    with pytest.raises(ClientError, match="not written to the disk"):
        dynamodb.list_tables()
    _largest_file(own, resource.RLIM_INFINITY)
    assert "full" in dynamodb.list_tables()["TableNames"]
    _kill(own)
    assert "full" in dynamodb.list_tables()["TableNames"]


def test_a_stream_that_could_not_be_written_is_not_listed_before_it_is(own: Settings) -> None:
    kinesis = _client(own, "kinesis")
    _largest_file(own, 1)
    with pytest.raises(ClientError, match="not written to the disk"):
        kinesis.create_stream(StreamName="full", ShardCount=1)
    with pytest.raises(ClientError, match="not written to the disk"):
        kinesis.list_streams()
    _largest_file(own, resource.RLIM_INFINITY)
    assert "full" in kinesis.list_streams()["StreamNames"]
    _kill(own)
    assert "full" in kinesis.list_streams()["StreamNames"]


def test_each_protocol_says_that_a_change_was_not_written(own: Settings) -> None:
    """A client that cannot read an error ends with another one."""
    cloudformation, s3 = _client(own, "cloudformation"), _client(own, "s3")
    _largest_file(own, 1)
    with pytest.raises(ClientError, match=r"InternalFailure.*not written to the disk"):
        s3.create_bucket(Bucket="full")
    with pytest.raises(ClientError, match=r"InternalFailure.*not written to the disk"):
        cloudformation.create_stack(
            StackName="full", TemplateBody=json.dumps({"Resources": {"T": TOPIC}})
        )
        wait_until(lambda: _is_created(cloudformation, "full"), 30, lambda: "no stack")
    _largest_file(own, resource.RLIM_INFINITY)
    wait_until(lambda: _is_created(cloudformation, "full"), 30, lambda: "no stack")
    assert "full" in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "full"}}


def _is_created(cloudformation: Any, name: str) -> bool:
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return bool(stack["StackStatus"] == "CREATE_COMPLETE")
