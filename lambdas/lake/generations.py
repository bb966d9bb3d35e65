"""Finds the rows of compacted hours from the lake's own files.

For re-created tables: the partition that pointed at a generation is gone, but its files and their
manifest still exist. Any complete generation is correct, because the objects it was merged from
are removed only after all other generations (`lambdas.compact.compaction`); the newest costs least.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from lambdas.lakestore.manifest import Manifest
from lambdas.lakestore.objects import Objects
from lambdas.lakestore.partitions import Partition

_HOUR = re.compile(r"hour=(\d\d)/", re.ASCII)
_MANIFEST = re.compile(r"\d{6}-[0-9a-f]{12}\.json", re.ASCII)


def compacted(objects: Objects, folder: str, day: str, now: datetime) -> Iterator[Partition]:
    """The day's hours with a complete generation; `folder` has the table's generations."""
    prefix = f"{folder}date={day}/"
    for path in objects.folders(prefix):
        hour = _HOUR.fullmatch(path.removeprefix(prefix))
        if hour and (name := newest(objects, path)):
            # The grace time of what it replaced starts again.
            yield Partition(day, hour[1], f"{path}{name}/", name, now)


def newest(objects: Objects, hour: str) -> str | None:
    """The name of an hour's newest complete generation; `hour` is its folder."""
    keys = {item.key for item in objects.objects(hour)}
    names = (key.removeprefix(hour) for key in keys)
    for name in sorted(filter(_MANIFEST.fullmatch, names), reverse=True):
        stored = objects.read(hour + name)
        if stored is not None:
            manifest = Manifest.from_json(stored[0])
            if all(file.key in keys for file in manifest.merged.files):
                return manifest.generation
    return None
