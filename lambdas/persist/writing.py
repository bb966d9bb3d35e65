"""Writes batches of result records into the tables; independent of AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain

from glue import Catalog
from glue.catalog import PROGRESS
from glue.deadletter import Reason
from glue.targets import dynamodb
from glue.targets.dynamodb import Item
from glue.types import Double, Fold, Integer, Timestamp
from lambdas.persist.stream import StreamRecord
from lambdas.ports import ledger
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.stream import Entry, Stream
from lambdas.ports.upserts import WRITERS, ItemRefused, Upsert, UpsertStore
from lambdas.result_records import (
    Layout,
    Malformed,
    Outcomes,
    Progress,
    json_object,
    layouts,
    outcomes,
    progress,
    report_row,
)
from lambdas.tables import Tables

Pending = dict[tuple[str, ...], list[tuple[Upsert, StreamRecord]]]
Letters = list[tuple[StreamRecord, Entry]]
Outcome = tuple[Upsert, StoreUnavailable | ItemRefused | None]


@dataclass(frozen=True)
class Persist:
    """Writes the newest row of each key; an invalid record becomes a dead letter.

    `dead_letters`: use case → stream of its dead letters. `again` is called after each incomplete
    round of writes; it may wait, and returns whether there is time for another. `count` receives
    the number of dead letters written.
    """

    catalog: Catalog
    tables: Tables
    store: UpsertStore
    letters: Stream
    dead_letters: Mapping[str, str]
    clock: Callable[[], datetime]
    count: Callable[[int], None] = lambda _: None

    def __call__(
        self, records: Sequence[StreamRecord], again: Callable[[int], bool] = lambda _: False
    ) -> set[str]:
        """The sequence numbers of the records that must be delivered again, normally none."""
        pending, letters = self._sorted_out(records)
        round_, buried = 1, 0
        while True:
            pending, refused = self._write(pending)
            due = [*letters, *refused]
            letters = self._bury(due)
            buried += len(due) - len(letters)
            if not (pending or letters) or not again(round_):
                break
            round_ += 1
        self.count(buried)
        undone = [record for group in pending.values() for _, record in group]
        return {r.sequence_number for r in (*undone, *(record for record, _ in letters))}

    def _sorted_out(self, records: Sequence[StreamRecord]) -> tuple[Pending, Letters]:
        pending: Pending = defaultdict(list)
        letters: Letters = []
        for record in records:
            try:
                upsert = self.upsert(record)
            except Malformed as error:
                letters.append(self._letter(record, "malformed", error.detail, error.field))
            except Exception as error:  # noqa: BLE001 deliveries are repeated until the record
                # expires, so one that breaks the code would hold up its shard for that long.
                detail = f"persist failed on this record: {type(error).__name__}: {error}"
                letters.append(self._letter(record, "refused", detail))
            else:
                pending[upsert.identity].append((upsert, record))
        return pending, letters

    @cached_property
    def _layouts(self) -> dict[str, tuple[Layout, ...]]:
        """The reports of each stream, cached because every record needs them."""
        return {
            f"{use_case.name}/{report.stream}": layouts(use_case, report.stream)
            for use_case in self.catalog.use_cases
            for report in use_case.reports
        }

    def upsert(self, record: StreamRecord) -> Upsert:
        """The upsert for this record. Raises Malformed if it does not belong in its stream."""
        row = json_object(record.data)
        if record.kind == PROGRESS and "minute" in row:
            return self._outcomes(outcomes(record.use_case, row))
        if record.kind == PROGRESS:
            return self._progress(progress(record.use_case, row))
        report = report_row(self._layouts[f"{record.use_case}/{record.kind}"], row)
        return Upsert(
            table=self.tables.reports[f"{record.use_case}/{report.path}"],
            key=(report.key, report.period),
            rank=("generation", "version"),
            item=dynamodb.item(report, row),
            measures=tuple(c.name for c in report.sums),
            latest=tuple(c.name for c in report.latest),
            minima=tuple(c.name for c in report.folded(Fold.MINIMUM)),
            maxima=tuple(c.name for c in report.folded(Fold.MAXIMUM)),
            decimals=frozenset(c.name for c in report.sums if isinstance(c.type, Double)),
        )

    def _progress(self, progress: Progress) -> Upsert:
        times = {
            "watermark": progress.watermark,
            "heartbeat_at": progress.heartbeat_at,
            "persisted_at": self.clock(),
        }
        item = {name: dynamodb.attribute(Timestamp(), time) for name, time in times.items()}
        item["use_case"] = {"S": progress.use_case}
        return Upsert(self.tables.progress, ("use_case",), ("watermark",), item)

    def _outcomes(self, outcomes: Outcomes) -> Upsert:
        numbers = {**outcomes.counts, "expires_at": ledger.expires_at(outcomes.minute)}
        item: Item = {
            "pk": {"S": ledger.stream_partition(outcomes.use_case)},
            "sk": {"S": ledger.minute_key(outcomes.minute)},
            **{name: dynamodb.attribute(Integer(), number) for name, number in numbers.items()},
        }
        return Upsert(self.tables.ledger, ("pk", "sk"), ("version",), item)

    def _write(self, pending: Pending) -> tuple[Pending, Letters]:
        """Write the newest of each key. Returns what is left to do, and what was refused."""
        newest = {key: max(group, key=lambda g: g[0].newness) for key, group in pending.items()}
        owned: dict[tuple[str, ...], list[Upsert]] = defaultdict(list)
        for upsert, _ in newest.values():
            owned[upsert.owner].append(upsert)
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            outcomes = chain.from_iterable(pool.map(self._put, owned.values()))
        left: Pending = {}
        letters: Letters = []
        for upsert, error in outcomes:
            key, (_, record) = upsert.identity, newest[upsert.identity]
            match error:
                case StoreUnavailable():
                    left[key] = pending[key]
                case ItemRefused():
                    letters.append(self._letter(record, "refused", str(error)))
        return left, letters

    def _put(self, upserts: Sequence[Upsert]) -> list[Outcome]:
        """The outcome of each; if one of several is refused, each is tried separately."""
        try:
            self.store.put(upserts)
        except StoreUnavailable as error:
            return [(upsert, error) for upsert in upserts]
        except ItemRefused as error:
            if len(upserts) == 1:
                return [(upserts[0], error)]
            return [outcome for upsert in upserts for outcome in self._put([upsert])]
        return [(upsert, None) for upsert in upserts]

    def _letter(
        self, record: StreamRecord, reason: Reason, detail: str, field: str | None = None
    ) -> tuple[StreamRecord, Entry]:
        now = self.clock()
        return record, record.dead_letter(reason=reason, detail=detail, field=field, failed_at=now)

    def _bury(self, letters: Letters) -> Letters:
        """Put dead letters into their streams. Returns those that were not stored."""
        left: Letters = []
        by_stream: dict[str, Letters] = defaultdict(list)
        for record, letter in letters:
            by_stream[self.dead_letters[record.use_case]].append((record, letter))
        for stream, group in by_stream.items():
            reasons = self.letters.put(stream, [letter for _, letter in group])
            left += [pair for pair, reason in zip(group, reasons, strict=True) if reason]
        return left
