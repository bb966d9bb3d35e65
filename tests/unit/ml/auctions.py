"""Closed auctions straight from the generator: what the lake would hold, without a platform."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from datagen import Settings
from usecases.adtech import generator

START = datetime(2026, 11, 21, tzinfo=UTC)
CARRIED = ("campaign_item_id", "creative_category", "creative_id", "domain")


def auctions(count, *, seed=1, drift=0.0, start=START):
    """That many transactions, in order of their bids, one each hundredth of a second or so."""
    settings = Settings(events=3 * count, start=start, seed=seed, rate=200.0, drift=drift)
    bids, won = [], set()
    for occurrence in generator.occurrences(settings):
        event = occurrence.event
        if event["type"] == "imp":
            won.add(event["tx_id"])
        elif event["type"] == "bid" and len(bids) < count:
            bids.append((occurrence.at, event))
        elif len(bids) == count and event["type"] == "bid" and occurrence.at > bids[-1][0] + 20_000:
            break
    return [_transaction(at, bid, bid["tx_id"] in won) for at, bid in bids]


def _transaction(at, bid, won):
    offered = bid["win_price"]
    return {
        "tx_id": bid["tx_id"],
        **{name: bid[name] for name in CARRIED},
        "bid_price": offered,
        "win_price": offered * 9 // 10 if won else offered,
        "won": won,
        "bid_at": START + timedelta(milliseconds=at - round(START.timestamp() * 1000)),
    }


def after(rows, gap=timedelta(seconds=1)):
    """When the next generation may start."""
    return rows[-1]["bid_at"] + gap


def chance(row, drift=0.0):
    """The generator's own probability: the best anyone can know."""
    return generator.win_probability(
        price=row["bid_price"],
        domain=row["domain"],
        creative_id=row["creative_id"],
        creative_category=row["creative_category"],
        drift=drift,
    )


def write(rows, folder, parts=1):
    """The rows as Parquet files, one after the other by time."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(rows) // parts)
    for part in range(parts):
        table = pa.Table.from_pylist(rows[part * size : (part + 1) * size])
        pq.write_table(table, folder / f"part-{part}.parquet")
    return folder


def request(row, **changes):
    """The prediction request for a transaction."""
    return {
        "campaignItemId": row["campaign_item_id"],
        "domain": row["domain"],
        "creativeId": row["creative_id"],
        "creativeCategory": row["creative_category"],
        "winPrice": row["bid_price"],
    } | changes
