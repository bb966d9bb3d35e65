"""Kinesis' shards that are split and merged: closed ones stay, with their records.

As on AWS a closed shard is listed, with its last number, and serves its records until the stream
no longer keeps any; GetRecords at its end has no next iterator, and names its children. Records
go to open shards alone. ListShards heeds a filter. An event source mapping reads a shard from its
first record, after those of its parents.

The emulator removes what is split or merged, records and all, its readers get errors, and mappings
begin with what comes after they have seen a new shard.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ministack.services import kinesis, lambda_svc

REPLACED: dict[Callable[..., Any], list[str]] = {
    kinesis._describe_stream_summary: ["data"],
    kinesis._get_records: ["data"],
    kinesis._list_shards: ["data"],
    kinesis._merge_shards: ["data"],
    kinesis._route_to_shard: ["hash_key_int", "stream"],
    kinesis._shard_out: ["shard_id", "shard"],
    kinesis._split_shard: ["data"],
    kinesis._update_shard_count: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    kinesis: (
        "MAX_HASH_KEY",
        "_compute_hash_ranges",
        "_max_shard_index",
        "_next_sequence_number",
        "_resolve_stream",
        "_shard_iterators",
        "_streams",
        "error_response_json",
        "get_account_id",
        "json_response",
    ),
    lambda_svc: ("_iter_all_esms", "_kinesis_positions"),
}
Shard = dict[str, Any]
CLOSED, CLOSED_AT = "ending_sequence_number", "closed_at"
FILTERS = (
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
)
_summary = kinesis._describe_stream_summary
_get = kinesis._get_records
_list = kinesis._list_shards
_out = kinesis._shard_out


class _Refused(Exception):
    """A request that is refused: Kinesis' code for it, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def replace() -> None:
    """Put our functions in the place of the emulator's, and of those that replaced them."""
    global _get
    _get = kinesis._get_records
    kinesis._describe_stream_summary = _describe_summary
    kinesis._get_records = _get_records
    kinesis._list_shards = _answering(_list_shards)
    kinesis._merge_shards = _answering(_merge)
    kinesis._route_to_shard = _open_shard
    kinesis._shard_out = _described
    kinesis._split_shard = _answering(_split)
    kinesis._update_shard_count = _answering(_update_count)


def _answering(handler: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def answer(data: dict[str, Any]) -> Any:
        try:
            return handler(data)
        except _Refused as error:
            return kinesis.error_response_json(error.code, error.message, 400)

    return answer


# --- splitting and merging


def _split(data: dict[str, Any]) -> Any:
    name, stream = _found(data)
    shard_id, start = data.get("ShardToSplit"), data.get("NewStartingHashKey")
    shard, at = _open(name, stream, shard_id), int(start or 0)
    low, high = _range(shard)
    if not low + 1 < at < high:
        raise _Refused(
            "InvalidArgumentException",
            f"NewStartingHashKey {start} used in SplitShard() on shard {shard_id} in "
            f"{_stream(name)} is not both greater than one plus the shard's StartingHashKey {low} "
            f"and less than the shard's EndingHashKey {high}.",
        )
    _replace(stream, [shard_id], [(low, at - 1), (at, high)])
    return kinesis.json_response({})


def _merge(data: dict[str, Any]) -> Any:
    name, stream = _found(data)
    ids = [data.get("ShardToMerge"), data.get("AdjacentShardToMerge")]
    one, other = (_range(_open(name, stream, shard_id)) for shard_id in ids)
    if one[1] + 1 != other[0] and other[1] + 1 != one[0]:
        raise _Refused(
            "InvalidArgumentException",
            f"Shards {ids[0]} and {ids[1]} in {_stream(name)} are not an adjacent pair of shards "
            "eligible for merging",
        )
    _replace(stream, ids, [(min(one[0], other[0]), max(one[1], other[1]))])
    return kinesis.json_response({})


def _update_count(data: dict[str, Any]) -> Any:
    """At once, where AWS splits and merges one after the other; the outcome is the same."""
    name, stream = _found(data)
    before, target = _open_ids(stream), int(data.get("TargetShardCount") or 0)
    if not (len(before) + 1) // 2 <= target <= 2 * len(before):
        raise _Refused(
            "InvalidArgumentException",
            f"UpdateShardCount cannot set {_stream(name)} to {target} shards: it has "
            f"{len(before)}, and may have half to twice as many.",
        )
    ranges = [(int(low), int(high)) for low, high in kinesis._compute_hash_ranges(target)]
    if target != len(before):
        _replace(stream, before, ranges)
    counts = {"CurrentShardCount": len(before), "TargetShardCount": target}
    named = {"StreamName": stream["StreamName"], "StreamARN": stream["StreamARN"]}
    return kinesis.json_response({**named, **counts})


def _replace(stream: Shard, parents: list[Any], ranges: Iterable[tuple[int, int]]) -> None:
    """Close the parents, and open a shard for each range of hash keys.

    Shards are replaced as a whole: others may be looking at those there were.
    """
    shards, index = dict(stream["shards"]), kinesis._max_shard_index(stream)
    ended, now = kinesis._next_sequence_number(), time.time()
    for shard_id in parents:
        shards[shard_id][CLOSED], shards[shard_id][CLOSED_AT] = ended, now
    for low, high in ranges:
        index += 1
        own = [p for p in parents if _range(shards[p])[0] <= high and low <= _range(shards[p])[1]]
        shards[f"shardId-{index:012d}"] = {
            "records": [],
            "starting_hash_key": str(low),
            "ending_hash_key": str(high),
            "starting_sequence_number": kinesis._next_sequence_number(),
            "parent_shard_id": own[0],
            "adjacent_parent_shard_id": own[-1] if len(own) > 1 else None,
        }
    stream["shards"] = shards


def _found(data: dict[str, Any]) -> tuple[str, Shard]:
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        raise _Refused("ResourceNotFoundException", f"{_stream(name)} not found.")
    return name, stream


def _open(name: str, stream: Shard, shard_id: Any) -> Shard:
    shard: Shard | None = stream["shards"].get(shard_id)
    if shard is None:
        raise _Refused(
            "ResourceNotFoundException", f"Could not find shard {shard_id} in {_stream(name)}."
        )
    if CLOSED in shard:
        raise _Refused(
            "InvalidArgumentException",
            f"Shard {shard_id} in {_stream(name)} has already been merged or split, and thus is "
            "not eligible for merging or splitting.",
        )
    return shard


def _stream(name: str) -> str:
    return f"stream {name} under account {kinesis.get_account_id()}"


def _range(shard: Shard) -> tuple[int, int]:
    return int(shard["starting_hash_key"]), int(shard["ending_hash_key"])


def _open_ids(stream: Shard) -> list[str]:
    return [name for name, shard in stream["shards"].items() if CLOSED not in shard]


def _open_shard(hash_key_int: int, stream: Shard) -> str:
    """The open shard of a hash key."""
    for shard_id in _open_ids(stream):
        low, high = _range(stream["shards"][shard_id])
        if low <= hash_key_int <= high:
            return shard_id
    raise AssertionError(f"{stream['StreamName']}: no open shard has hash key {hash_key_int}")


# --- descriptions


def _described(shard_id: str, shard: Shard) -> dict[str, Any]:
    described: dict[str, Any] = _out(shard_id, shard)
    if CLOSED in shard:
        described["SequenceNumberRange"]["EndingSequenceNumber"] = shard[CLOSED]
    return described


def _describe_summary(data: dict[str, Any]) -> Any:
    status, headers, body = _summary(data)
    _, stream = kinesis._resolve_stream(data)
    if stream:
        found = json.loads(body)
        found["StreamDescriptionSummary"]["OpenShardCount"] = len(_open_ids(stream))
        body = json.dumps(found).encode()
    return status, headers, body


def _list_shards(data: dict[str, Any]) -> Any:
    """Of those that a filter selects; the emulator knows no filter."""
    _, stream = kinesis._resolve_stream(data)
    chosen = data.get("ShardFilter")
    if not stream or not chosen:
        return _list(data)
    selected = {n: s for n, s in stream["shards"].items() if _selects(chosen, n, s)}
    name = stream["StreamName"]
    whole, kinesis._streams[name] = stream, {**stream, "shards": selected}
    try:
        return _list(data)
    finally:
        kinesis._streams[name] = whole


def _selects(chosen: dict[str, Any], shard_id: str, shard: Shard) -> bool:
    kind, at = chosen.get("Type"), float(chosen.get("Timestamp") or 0)
    match kind:
        case "AT_LATEST":
            return CLOSED not in shard
        case "AFTER_SHARD_ID":
            return shard_id > str(chosen.get("ShardId", ""))
        case "AT_TRIM_HORIZON":
            return not shard["parent_shard_id"]
        case "FROM_TRIM_HORIZON":
            return True
        case "AT_TIMESTAMP" | "FROM_TIMESTAMP":
            return float(shard.get(CLOSED_AT, "inf")) >= at
    raise _Refused("InvalidArgumentException", f"ShardFilter.Type {kind!r}: one of {FILTERS}")


def _get_records(data: dict[str, Any]) -> Any:
    """At the end of a closed shard there is no next iterator, but there are children."""
    status, headers, body = _get(data)
    state = kinesis._shard_iterators.get(data.get("ShardIterator"))
    stream = kinesis._streams.get(state["stream"]) if state and status == 200 else None
    shard = stream["shards"].get(state["shard_id"]) if state and stream else None
    if state is None or stream is None or shard is None or CLOSED not in shard:
        return status, headers, body
    found = json.loads(body)
    following = kinesis._shard_iterators.get(found["NextShardIterator"])
    if following and following["position"] >= len(shard["records"]):
        del kinesis._shard_iterators[found.pop("NextShardIterator")]
        found["ChildShards"] = list(_children(stream, state["shard_id"]))
    return status, headers, json.dumps(found).encode()


def _children(stream: Shard, parent: str) -> Iterator[dict[str, Any]]:
    for shard_id, shard in stream["shards"].items():
        if parent in (parents := _parents(shard)):
            span = _out(shard_id, shard)["HashKeyRange"]
            yield {"ShardId": shard_id, "ParentShards": parents, "HashKeyRange": span}


def _parents(shard: Shard) -> list[str]:
    names = (shard["parent_shard_id"], shard["adjacent_parent_shard_id"])
    return [name for name in names if name]


# --- event source mappings, and retention


@contextmanager
def read_in_order() -> Iterator[None]:
    """Around a pass over the mappings: a shard is read from its start, after its parents.

    The emulator sets a mapping behind all records of a shard that it has no position for, and
    reads nothing of it in this pass. So one whose turn has not come has no position, and loses the
    one that the pass gives it.
    """
    held = list(_held())
    try:
        yield
    finally:
        for positions, shard_id in held:
            positions.pop(shard_id, None)


def _held() -> Iterator[tuple[dict[str, int], str]]:
    by_arn = {stream["StreamARN"]: stream for _, stream in kinesis._streams.all_items()}
    for account, region, mapping in lambda_svc._iter_all_esms():
        stream = by_arn.get(mapping.get("EventSourceArn"))
        positions = _positions(account, region, mapping)
        if stream is None or positions is None:
            continue
        for shard_id, shard in list(stream["shards"].items()):
            if shard_id in positions:
                continue
            if all(_is_read(stream, parent, positions) for parent in _parents(shard)):
                positions[shard_id] = 0
            else:
                yield positions, shard_id


def _positions(account: str, region: str, mapping: dict[str, Any]) -> dict[str, int] | None:
    """A mapping's position in each shard; None where it begins with what comes next."""
    scope = (account, region, mapping["UUID"])
    found: dict[str, int] | None = lambda_svc._kinesis_positions.get_scoped(*scope)
    if found is None and mapping.get("StartingPosition") == "TRIM_HORIZON":
        lambda_svc._kinesis_positions.set_scoped(*scope, {})
        found = lambda_svc._kinesis_positions.get_scoped(*scope)
    return found


def _is_read(stream: Shard, shard_id: str, positions: dict[str, int]) -> bool:
    shard = stream["shards"].get(shard_id)
    return shard is None or positions.get(shard_id, -1) >= len(shard["records"])


def drop_expired(now: float) -> None:
    """Remove closed shards of which nothing is kept any more (epoch seconds)."""
    for _, stream in list(kinesis._streams.all_items()):
        cutoff = now - stream["RetentionPeriodHours"] * 3600
        kept = {n: s for n, s in stream["shards"].items() if s.get(CLOSED_AT, now) >= cutoff}
        if len(kept) < len(stream["shards"]):
            stream["shards"] = kept
