"""Where the rows of compacted hours are, as the lake itself tells it.

For tables that were made anew: the partition that pointed at a generation is gone, its files and
their manifest are not. Any complete generation is right to point at, for what it has absorbed is
removed only when no other is left (`lambdas.compact.compaction`); the newest means the least work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from lambdas.compact.manifest import Manifest
from lambdas.lake.ports import Objects, Partition

_HOUR = re.compile(r"hour=(\d\d)/", re.ASCII)
_MANIFEST = re.compile(r"\d{6}-[0-9a-f]{12}\.json", re.ASCII)


def compacted(objects: Objects, folder: str, day: str, now: datetime) -> Iterator[Partition]:
    """The day's hours that have a complete generation; `folder` is the table's of generations."""
    place = f"{folder}date={day}/"
    for found in objects.folders(place):
        hour = _HOUR.fullmatch(found.removeprefix(place))
        if hour and (name := newest(objects, found)):
            # The grace time of what it has replaced begins again.
            yield Partition(day, hour[1], f"{found}{name}/", name, now)


def newest(objects: Objects, hour: str) -> str | None:
    """The name of an hour's newest generation whose files are all there; `hour` is its folder."""
    keys = {found.key for found in objects.objects(hour)}
    names = (key.removeprefix(hour) for key in keys)
    for name in sorted(filter(_MANIFEST.fullmatch, names), reverse=True):
        stored = objects.read(hour + name)
        if stored is not None:
            manifest = Manifest.from_json(stored[0])
            if all(file.key in keys for file in manifest.merged.files):
                return manifest.generation
    return None
