"""Events for the benchmark, and the counts they must end in: fast, and the same for every run.

One tx in three has an impression, one impression in ten a click; one record in ten comes twice;
everything is shuffled over five seconds of event time. One file is one shard.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

START_MS = int(datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp() * 1000)
PER_SECOND = 1_000
"""Records in a second of event time: with this and its windows, a topology's state is given."""
SHUFFLE_MS = 5_000
BUCKET_MS = 300_000
OPEN_SECONDS = 600
"""Window and lateness: how long a key is open, in event time."""
CAMPAIGNS = 1_000
SHARDS = 2
BID, IMP, CLICK = range(3)
PER_TX = (1 + 1 / 3 + 1 / 30) * 1.1

Counts = Counter[tuple[int, int, str]]


@dataclass(frozen=True)
class Input:
    """A folder of NDJSON files, how many records are in it, and (campaign, bucket, name) counts."""

    folder: Path
    records: int
    truth: Counts


def generate(folder: Path, records: int) -> Input:
    """About `records` events (never more than one in a thousand off) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(SHARDS) as pool:
        parts = list(pool.map(_shard, [folder] * SHARDS, range(SHARDS), [records] * SHARDS))
    return Input(folder, sum(n for n, _ in parts), sum((c for _, c in parts), Counter()))


def _shard(folder: Path, shard: int, records: int) -> tuple[int, Counts]:
    rng = np.random.default_rng(shard)
    count = int(records / PER_TX / SHARDS)
    at = np.sort(rng.integers(0, records * 1000 // PER_SECOND, count))
    times = np.stack(
        [at, at + rng.integers(500, 4000, count), at + rng.integers(5000, 9000, count)]
    )
    shown = rng.random(count) < 1 / 3
    happened = np.stack([np.ones(count, bool), shown, shown & (rng.random(count) < 0.1)])
    kinds, txs = np.nonzero(happened)
    twice = rng.random(len(kinds)) < 0.1
    kinds, txs = np.concatenate([kinds, kinds[twice]]), np.concatenate([txs, txs[twice]])
    order = np.argsort(times[kinds, txs] + rng.integers(0, SHUFFLE_MS, len(kinds)), kind="stable")
    with (folder / f"shardId-{shard:012d}").open("w") as out:
        for kind, tx in zip(kinds[order].tolist(), txs[order].tolist(), strict=True):
            out.write(_line(kind, shard, tx, START_MS + int(times[kind, tx])))
    return len(kinds), _truth(happened, times, shard)


def _line(kind: int, shard: int, tx: int, at: int) -> str:
    key, when = f"{shard}-{tx:012d}-4f6b8c2d1e3a", _iso(at)
    head = f'"occurred_at":"{when}","received_at":"{when}","tx_id":"{key}"'
    if kind == BID:
        return (
            f'{{"type":"bid","event_id":"b-{key}",{head},"app_uid":"app-{tx % 997}",'
            f'"campaign_item_id":{_campaign(shard, tx)},"creative_category":"cat-{tx % 31}",'
            f'"creative_id":"creative-{tx % 4999}","domain":"site-{tx % 9973}.example",'
            f'"win_price":{_price(tx)}}}\n'
        )
    if kind == IMP:
        return f'{{"type":"imp","event_id":"i-{key}",{head},"win_price":{_price(tx)}}}\n'
    return f'{{"type":"click","event_id":"c-{key}",{head}}}\n'


def _truth(happened: np.ndarray, times: np.ndarray, shard: int) -> Counts:
    truth: Counts = Counter()
    for kind, name in enumerate(("bids", "impressions", "clicks")):
        txs = np.nonzero(happened[kind])[0]
        buckets = (START_MS + times[kind, txs]) // BUCKET_MS * (BUCKET_MS // 1000)
        for tx, bucket in zip(txs.tolist(), buckets.tolist(), strict=True):
            truth[_campaign(shard, tx), bucket, name] += 1
            if kind == IMP:
                truth[_campaign(shard, tx), bucket, "spend"] += _price(tx)
    return truth


def _campaign(shard: int, tx: int) -> int:
    return tx * 7919 % CAMPAIGNS + shard


def _price(tx: int) -> int:
    return 100 + tx * 31 % 900


def _iso(at: int) -> str:
    seconds, millis = divmod(at, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"{_day(day)}T{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}Z"


_days: dict[int, str] = {}


def _day(day: int) -> str:
    if day not in _days:
        _days[day] = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
    return _days[day]
