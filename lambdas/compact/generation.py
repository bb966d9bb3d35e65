"""Making a generation's files: in one merge if they fit on the disk, otherwise in buckets.

In buckets: each batch of sources is split by a hash of the rows' identity, so that duplicates
share a bucket; then each bucket is merged. An object marks each finished part, and a later run
continues after it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lambdas.compact.plan import Plan
from lambdas.compact.ports import MergeError, Merger
from lambdas.lakestore.manifest import NOTHING, Merged
from lambdas.lakestore.objects import Objects, StoredObject

TRANSFERS = 8


@dataclass(frozen=True)
class Making:
    """Makes the files of one plan. `folder` is for local files; the caller removes it."""

    plan: Plan
    objects: Objects
    merger: Merger
    folder: Path
    enough_time: Callable[[], bool]

    def __call__(self) -> Merged | None:
        """The files and their rows; None if time ran out. Raises MergeError with the object."""
        batches = self.plan.batches
        if len(batches) == 1:
            return self._merge(0, [source.key for source in batches[0]])
        pieces: list[dict[str, list[str]]] = []
        for number, batch in enumerate(batches):
            split = self._split(number, [source.key for source in batch])
            if split is None:
                return None
            pieces.append(split)
        merged = NOTHING
        for bucket in range(self.plan.buckets):
            keys = [key for split in pieces for key in split.get(str(bucket), ())]
            part = self._merge(bucket, keys) if keys else NOTHING
            if part is None:
                return None
            merged += part
        return merged

    def _merge(self, bucket: int, keys: Sequence[str]) -> Merged | None:
        """One bucket's files, sorted and without duplicates."""
        marker = f"{self.plan.work}merged/{bucket:05d}.json"
        if (stored := self.objects.read(marker)) is not None:
            return Merged.from_json(stored[0])
        if not self.enough_time():
            return None
        with self._local(keys) as (files, out):
            limits, table = self.plan.limits, self.plan.hour.table
            written = self.merger.merge(table, files, out, limits.file_bytes)
            prefix = f"{self.plan.folder}{bucket:05d}"
            named = [(path, f"{prefix}-{n:05d}.parquet") for n, path in enumerate(written.files)]
            merged = Merged(self._upload(named), written.rows_read, written.rows_written)
        self.objects.write(marker, merged.to_json())
        return merged

    def _split(self, number: int, keys: Sequence[str]) -> dict[str, list[str]] | None:
        """One batch's rows by bucket: the keys of the pieces."""
        marker = f"{self.plan.work}split/{number:05d}.json"
        if (stored := self.objects.read(marker)) is not None:
            done: dict[str, list[str]] = orjson.loads(stored[0])
            return done
        if not self.enough_time():
            return None
        pieces: dict[str, list[str]] = {}
        with self._local(keys) as (files, out):
            split = self.merger.split(self.plan.hour.table, files, out, self.plan.buckets)
            for bucket, paths in split.items():
                prefix = f"{self.plan.work}split/{number:05d}/{bucket:05d}"
                pieces[str(bucket)] = [f"{prefix}-{n:05d}.parquet" for n in range(len(paths))]
                self._upload(zip(paths, pieces[str(bucket)], strict=True))
        self.objects.write(marker, orjson.dumps(pieces))
        return pieces

    @contextmanager
    def _local(self, keys: Sequence[str]) -> Iterator[tuple[list[Path], Path]]:
        """The objects as local files, and a folder for the output; both are removed afterwards."""
        shutil.rmtree(self.folder, ignore_errors=True)
        into = self.folder / "in"
        into.mkdir(parents=True)
        files = [into / f"{number:06d}.parquet" for number in range(len(keys))]
        try:
            self._each(self.objects.download, zip(keys, files, strict=True))
            yield files, self.folder / "out"
        except MergeError as error:
            raise MergeError(_named(str(error), files, keys)) from error
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _upload(self, pairs: Iterable[tuple[Path, str]]) -> tuple[StoredObject, ...]:
        uploads = list(pairs)
        self._each(self.objects.upload, uploads)
        return tuple(StoredObject(key, path.stat().st_size) for path, key in uploads)

    def _each(self, transfer: Callable[[Any, Any], None], pairs: Iterable[tuple[Any, Any]]) -> None:
        """Calls it for several items in parallel: most objects are small, so latency dominates."""
        with ThreadPoolExecutor(max_workers=TRANSFERS) as pool:
            for done in [pool.submit(transfer, *pair) for pair in pairs]:
                done.result()


def _named(message: str, files: Sequence[Path], keys: Sequence[str]) -> str:
    """The message with object keys instead of the local file names."""
    for path, key in zip(files, keys, strict=True):
        message = message.replace(str(path), key)
    return message
