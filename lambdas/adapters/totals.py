"""The running total of a key: over all its buckets, kept exact write by write.

Beside the buckets of a key, a report's table has one item with their sums, minima and maxima and,
for latest values, those of the newest bucket. Buckets and total change in one transaction, so the
total always equals that of the stored buckets, whatever is repeated, out of order, or counted again
in a higher generation: a bucket that is not newer changes neither, and one that replaces another
adds the difference. Where it takes back a minimum or maximum, all buckets are read for it.

The total has the number of its `writes`. A transaction requires the number that it has read, so of
two writers that read the same state one is refused, and reads again. A key without a total (its
buckets were written before totals existed, or it was removed) is summed up once.

Sums of decimals have the 38 digits of a DynamoDB number, 21 more than a value can have: the
difference of two writes leaves no trace of rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from glue.targets.dynamodb import NEWEST, TOTAL_PERIOD, WRITES, Attribute, Item, has_records
from lambdas.ports.upserts import Upsert

# DynamoDB's maximum of items in a transaction, less one for the total.
BUCKETS = 100 - 1

Number = int | Decimal
_DIGITS = Context(prec=38)


@dataclass(frozen=True)
class Total:
    """A key's sums and extremes, and the bucket whose latest values count (empty before the first).

    `extremes` has no name that no bucket has. `seen` is the number of writes of the item that it
    was read from; None: there was none.
    """

    sums: Mapping[str, Number]
    newest: Item
    extremes: Mapping[str, Number]
    seen: Attribute | None

    @classmethod
    def read(cls, upsert: Upsert, item: Item) -> Total:
        """The total that an item holds."""
        newest = {name: item[name] for name in upsert.latest if name in item}
        if NEWEST in item:
            newest[upsert.key[1]] = item[NEWEST]
        sums = {name: _number(item.get(name)) for name in upsert.measures}
        extremes = {name: _number(item[name]) for name in _extremes(upsert)}
        return cls(sums, newest, extremes, item.get(WRITES))

    @classmethod
    def summed(
        cls, due: Sequence[Upsert], buckets: Iterable[Item], seen: Attribute | None
    ) -> Total:
        """The total over all buckets of a key.

        Latest values and extremes are without the buckets that are to be replaced.
        """
        upsert = due[0]
        replaced = {u.identity for u in due}
        sums: dict[str, Number] = dict.fromkeys(upsert.measures, 0)
        extremes: dict[str, Number] = {}
        newest: Item = {}
        for bucket in filter(has_records, buckets):
            _add(sums, bucket, 1)
            if dataclasses.replace(upsert, item=bucket).identity not in replaced:
                newest = _newest(upsert, bucket, newest)
                _extend(upsert, extremes, bucket)
        return cls(sums, newest, extremes, seen)


def is_complete(due: Sequence[Upsert], held: Mapping[tuple[str, ...], Item], item: Item) -> bool:
    """Whether the new total follows from an item and the new buckets.

    It does not if a report got its first latest value or an extreme, or one of them may be taken
    back: a bucket that has it is emptied, or is replaced by one that is less extreme.
    """
    upsert = due[0]
    if upsert.latest and (NEWEST not in item or not all(has_records(u.item) for u in due)):
        return False
    return all(name in item for name in _extremes(upsert)) and not any(
        _takes_back(u, held.get(u.identity, {}), item) for u in due
    )


def _takes_back(upsert: Upsert, before: Item, total: Item) -> bool:
    for name in _extremes(upsert):
        if name in before and _number(before[name]) == _number(total[name]):
            kept = {name: _number(before[name])}
            _extend(upsert, kept, upsert.item)
            if name not in upsert.item or kept[name] != _number(upsert.item[name]):
                return True
    return False


def _extremes(upsert: Upsert) -> tuple[str, ...]:
    return (*upsert.minima, *upsert.maxima)


def _extend(upsert: Upsert, extremes: dict[str, Number], item: Mapping[str, Attribute]) -> None:
    """Note an item's measures where they are more extreme."""
    for names, extreme in ((upsert.minima, min), (upsert.maxima, max)):
        for name in names:
            if name in item:
                value = _number(item[name])
                extremes[name] = extreme(extremes.get(name, value), value)


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


def change(upserts: Sequence[Upsert], held: Mapping[tuple[str, ...], Item], total: Total) -> Change:
    """What to write for upserts of one key all newer than the stored items."""
    first, sums, newest = upserts[0], dict(total.sums), total.newest
    extremes = dict(total.extremes)
    for upsert in upserts:
        _add(sums, upsert.item, 1)
        _add(sums, held.get(upsert.identity, {}), -1)
        if has_records(upsert.item):
            newest = _newest(upsert, upsert.item, newest)
            _extend(first, extremes, upsert.item)
    numbers: dict[str, Number] = {**sums, **extremes, WRITES: 1 + _number(total.seen)}
    item = {name: {"N": _text(first, name, value)} for name, value in numbers.items()}
    puts = tuple((upsert, held.get(upsert.identity)) for upsert in upserts)
    return Change(puts, {**total_key(first), **item, **_states(first, newest)}, total.seen)


def _newest(upsert: Upsert, bucket: Item, newest: Item) -> Item:
    """That of two buckets whose latest values count; the same bucket again stands for itself."""
    start = upsert.key[1]
    if not newest or _number(bucket[start]) >= _number(newest[start]):
        return bucket
    return newest


def _states(upsert: Upsert, newest: Item) -> Item:
    if not upsert.latest or not newest:
        return {}
    states = {name: newest[name] for name in upsert.latest if name in newest}
    return {**states, NEWEST: newest[upsert.key[1]]}


def _add(sums: dict[str, Number], item: Mapping[str, Attribute], sign: int) -> None:
    """Add an item's measures to the sums, or (-1) subtract them."""
    for name, held in sums.items():
        value = sign * _number(item.get(name))
        if isinstance(held, int) and isinstance(value, int):
            sums[name] = held + value
        else:
            sums[name] = _DIGITS.add(Decimal(held), Decimal(value))


def _text(upsert: Upsert, name: str, value: Number) -> str:
    """As DynamoDB takes it; an integer is never rounded."""
    return str(_DIGITS.plus(Decimal(value)) if name in upsert.decimals else value)


def _number(value: Attribute | None) -> Number:
    # DynamoDB may return a large number with an exponent.
    number = Decimal(value["N"]) if value else Decimal(0)
    return int(number) if number == number.to_integral_value() else number
