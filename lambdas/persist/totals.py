"""The running total of a key: the sum over all its buckets, kept exact write by write.

Beside the buckets of a key, a report's table has one item with their sums. Buckets and total
change in one transaction, so the total always equals the sum of the stored buckets, whatever is
repeated, out of order, or counted again in a higher generation: a bucket that is not newer changes
neither, and one that replaces another adds the difference.

The total has the number of its `writes`. A transaction requires the number that it has read, so of
two writers that read the same state one is refused, and reads again. A key without a total (its
buckets were written before totals existed, or it was removed) is summed up once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from glue.targets.dynamodb import TOTAL_PERIOD, WRITES, Attribute, Item
from lambdas.persist.upsert import Upsert

# DynamoDB's maximum of items in a transaction, less one for the total.
BUCKETS = 100 - 1

Sums = dict[str, int]


@dataclass(frozen=True)
class Change:
    """One transaction: buckets with the item each replaces, if any, and the key's new total.

    `seen`: the writes of the total that it replaces; None if there must be no total.
    """

    puts: tuple[tuple[Upsert, Item | None], ...]
    total: Item
    seen: Attribute | None


def total_key(upsert: Upsert) -> Item:
    """The key of the total that includes an upsert."""
    hash_key, range_key = upsert.key
    return {hash_key: upsert.item[hash_key], range_key: {"N": str(TOTAL_PERIOD)}}


def newer(upserts: Iterable[Upsert], held: Mapping[tuple[str, ...], Item]) -> list[Upsert]:
    """The upserts that are newer than the stored items; `held` is by the upsert's identity."""
    return [
        upsert
        for upsert in upserts
        if (item := held.get(upsert.identity)) is None or upsert.newness > upsert.rank_of(item)
    ]


def change(
    upserts: Sequence[Upsert],
    held: Mapping[tuple[str, ...], Item],
    total: Item | Sums,
) -> Change:
    """What to write for upserts of one key, all newer than the stored items.

    `total` is the key's item, or the sums over all its buckets if it has none.
    """
    first = upserts[0]
    seen = total.get(WRITES) if WRITES in total else None
    sums = {name: _number(total.get(name, 0)) for name in first.measures}
    for upsert in upserts:
        add(sums, upsert.item, 1)
        add(sums, held.get(upsert.identity, {}), -1)
    writes = 1 + _number(seen or 0)
    numbers = {name: {"N": str(value)} for name, value in (*sums.items(), (WRITES, writes))}
    puts = tuple((upsert, held.get(upsert.identity)) for upsert in upserts)
    return Change(puts, {**total_key(first), **numbers}, seen if isinstance(seen, dict) else None)


def add(sums: Sums, item: Mapping[str, Attribute], sign: int) -> None:
    """Add an item's measures to the sums, or (-1) subtract them."""
    for name in sums:
        sums[name] += sign * _number(item.get(name, 0))


def _number(value: Attribute | int) -> int:
    # DynamoDB may return a large number with an exponent.
    return value if isinstance(value, int) else int(Decimal(value["N"]))
