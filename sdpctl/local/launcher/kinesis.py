"""Kinesis: its limits, which the emulator has only in part.

A shard takes and serves in a second what one does on AWS (`sdpctl.local.shard_rates`): PutRecords
refuses the records that are too many, each by itself, PutRecord and GetRecords throw
ProvisionedThroughputExceededException. A record has 1 MiB with its key, a key 1 to 256 characters,
PutRecords 500 records and 10 MiB, GetRecords 10,000 and 10 MiB. The emulator knows no rates.

A sequence number is a number without leading zeros, as the service's model has it; the emulator
refuses none and makes ones that clients of that model refuse.

An on-demand stream has four shards, as a new one does on AWS, and takes and serves any number of
bytes and records: there, its shards multiply with the load. Its reads are five a second and shard.

A record is refused with InternalFailure while the disk has no space to save it (`disk`), or if it
cannot be written to the journal (`records`): what is accepted survives a kill.

CloudWatch has `IncomingRecords` of each stream, one value a minute; the emulator has none.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import cloudwatch, kinesis

from sdpctl.local.launcher import disk, records
from sdpctl.local.shard_rates import Shard

RECORD_BYTES = 1024 * 1024
CALL_BYTES = 10 * 1024 * 1024
PUT_RECORDS, KEY_LENGTH, ON_DEMAND_SHARDS = 500, 256, 4
THROTTLED = "ProvisionedThroughputExceededException"
FAILED = "InternalFailure"

REPLACED: dict[Callable[..., Any], list[str]] = {
    kinesis._create_stream: ["data"],
    kinesis._get_records: ["data"],
    kinesis._next_sequence_number: [],
    kinesis._put_record: ["data"],
    kinesis._put_records: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    cloudwatch: ("_dims_key", "_metric_bucket"),
    kinesis: (
        "_partition_key_to_hash",
        "_resolve_stream",
        "_route_to_shard",
        "_shard_iterators",
        "_streams",
        "error_response_json",
        "esm_wake",
        "get_account_id",
        "json_response",
    ),
}
_create = kinesis._create_stream
_get = kinesis._get_records
_next_number = kinesis._next_sequence_number
Placed = tuple[dict[str, Any], list[records.Row]]  # the record's result; what is to be stored of it
_last_number = ""
_rates: dict[tuple[str, str], Shard] = defaultdict(Shard)  # by the stream's ARN and the shard


class _Invalid(Exception):
    """A request that is refused as a whole: Kinesis' code for it, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    kinesis._create_stream = _create_stream
    kinesis._get_records = _answering(_get_records)
    kinesis._next_sequence_number = _next_sequence_number
    kinesis._put_record = _answering(_put_record)
    kinesis._put_records = _answering(_put_records)


def _next_sequence_number() -> str:
    """The emulator's, of one length and so in order as text, behind a digit that is not zero.

    Always greater than the one before, whatever the clock did, also before a restart.
    """
    global _last_number
    number = f"4{_next_number()}"
    last = _last_number or records.last_number()
    _last_number = number if number > last else str(int(last) + 1)
    return _last_number


def _answering(handler: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def answer(data: dict[str, Any]) -> Any:
        try:
            return handler(data)
        except _Invalid as error:
            status = 500 if error.code == FAILED else 400
            return kinesis.error_response_json(error.code, error.message, status)

    return answer


def _create_stream(data: dict[str, Any]) -> Any:
    if data.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND":
        data = {**data, "ShardCount": ON_DEMAND_SHARDS}
    return _create(data)


def _put_record(data: dict[str, Any]) -> Any:
    stream = _writable(data)
    (result,) = _stored(stream, [_placed(stream, data, _size(data))])
    if "ErrorCode" in result:
        raise _Invalid(result["ErrorCode"], result["ErrorMessage"])
    _count(stream, 1)
    kinesis.esm_wake.set()
    return kinesis.json_response(result)


def _put_records(data: dict[str, Any]) -> Any:
    stream, sent = _writable(data), data.get("Records") or []
    if not 1 <= len(sent) <= PUT_RECORDS:
        raise _invalid("records", f"length between 1 and {PUT_RECORDS}, not {len(sent)}")
    sizes = [_size(record) for record in sent]
    if sum(sizes) > CALL_BYTES:
        message = f"Records size exceeds {CALL_BYTES} bytes limit: {sum(sizes)}"
        raise _Invalid("InvalidArgumentException", message)
    placed = [_placed(stream, record, size) for record, size in zip(sent, sizes, strict=True)]
    results = _stored(stream, placed)
    failed = sum("ErrorCode" in result for result in results)
    _count(stream, len(results) - failed)
    kinesis.esm_wake.set()
    encryption = stream.get("EncryptionType", "NONE")
    answer = {"FailedRecordCount": failed, "Records": results, "EncryptionType": encryption}
    return kinesis.json_response(answer)


def _writable(data: dict[str, Any]) -> dict[str, Any]:
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        raise _Invalid("ResourceNotFoundException", f"Stream {name} not found")
    if stream["StreamStatus"] != "ACTIVE":
        raise _Invalid("ResourceInUseException", f"Stream {name} is {stream['StreamStatus']}")
    writable: dict[str, Any] = stream
    return writable


def _size(record: dict[str, Any]) -> int:
    """Bytes of data and key; raises where one of them is not what Kinesis takes."""
    key, data = record.get("PartitionKey") or "", record.get("Data") or ""
    if not 1 <= len(key) <= KEY_LENGTH:
        raise _invalid("partitionKey", f"length between 1 and {KEY_LENGTH}, not {len(key)}")
    size = len(data) * 3 // 4 - data[-2:].count("=") + len(key.encode())
    if size > RECORD_BYTES:
        raise _invalid("data", f"length less than or equal to {RECORD_BYTES} with its key")
    return size


def _invalid(member: str, constraint: str) -> _Invalid:
    message = f"Value at '{member}' failed to satisfy constraint: Member must have {constraint}"
    return _Invalid("ValidationException", f"1 validation error detected: {message}")


def _stored(stream: dict[str, Any], placed: list[Placed]) -> list[dict[str, Any]]:
    """Write and store what was given a place; the result of each record."""
    try:
        records.keep(stream, [row for _, rows in placed for row in rows])
    except OSError as error:
        failed = {"ErrorCode": FAILED, "ErrorMessage": f"not written to the disk: {error}"}
        return [failed if rows else result for result, rows in placed]
    return [result for result, _ in placed]


def _placed(stream: dict[str, Any], record: dict[str, Any], size: int) -> Placed:
    """Give the record a shard and a number, if the shard takes it now."""
    if problem := disk.shortage():
        return {"ErrorCode": FAILED, "ErrorMessage": problem}, []
    explicit, key = record.get("ExplicitHashKey"), record["PartitionKey"]
    hash_key = int(explicit) if explicit else kinesis._partition_key_to_hash(key)
    shard_id = kinesis._route_to_shard(hash_key, stream)
    rates = _rates[stream["StreamARN"], shard_id]
    if not _on_demand(stream) and not rates.takes(size, time.monotonic()):
        return {"ErrorCode": THROTTLED, "ErrorMessage": _exceeded(stream, shard_id)}, []
    number = kinesis._next_sequence_number()
    row = {
        "SequenceNumber": number,
        "ApproximateArrivalTimestamp": round(time.time(), 3),
        "Data": record.get("Data") or "",
        "PartitionKey": key,
    }
    encryption = stream.get("EncryptionType", "NONE")
    result = {"SequenceNumber": number, "ShardId": shard_id, "EncryptionType": encryption}
    return result, [(shard_id, row)]


def _count(stream: dict[str, Any], number: int) -> None:
    """Add to the stream's IncomingRecords of this minute."""
    dimensions, minute = {"StreamName": stream["StreamName"]}, time.time() // 60 * 60
    key = ("AWS/Kinesis", "IncomingRecords", cloudwatch._dims_key(dimensions))
    points = cloudwatch._metric_bucket(key)
    if not points or points[-1]["Timestamp"] != minute:
        point = {"Timestamp": minute, "Value": 0.0, "Unit": "Count", "Dimensions": dimensions}
        points.append(point)
    points[-1]["Value"] += number


def _get_records(data: dict[str, Any]) -> Any:
    state = kinesis._shard_iterators.get(data.get("ShardIterator"))
    stream: dict[str, Any] = (kinesis._streams.get(state["stream"]) if state else None) or {}
    shard = stream["shards"].get(state["shard_id"]) if stream else None
    if shard is None:
        return _get(data)  # which says what is wrong
    rates = _rates[stream["StreamARN"], state["shard_id"]]
    if not rates.may_read(time.monotonic(), any_bytes=_on_demand(stream)):
        raise _Invalid(THROTTLED, _exceeded(stream, state["shard_id"]))
    limit = min(data.get("Limit") or 10_000, 10_000)
    count, size = _page(shard["records"], state["position"], limit)
    rates.serve(size)
    return _get({**data, "Limit": max(1, count)})


def _page(stored: list[dict[str, Any]], start: int, limit: int) -> tuple[int, int]:
    """How many of the records one call returns, and their bytes."""
    size = 0
    for index in range(start, min(start + limit, len(stored))):
        more = len(stored[index]["Data"]) * 3 // 4
        if size + more > CALL_BYTES:
            return index - start, size
        size += more
    return limit, size


def _on_demand(stream: dict[str, Any]) -> bool:
    mode = stream.get("StreamModeDetails", {}).get("StreamMode")
    return bool(mode == "ON_DEMAND")


def _exceeded(stream: dict[str, Any], shard_id: str) -> str:
    account = kinesis.get_account_id()
    return f"Rate exceeded for shard {shard_id} in stream {stream['StreamName']} under {account}."
