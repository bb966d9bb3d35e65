"""What an interrupted replay leaves on this machine: what it has read, and what it was replacing.

Each file is complete or missing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from glue import instants
from sdpctl.backfill.comparing import Bucket, Buckets, Key
from sdpctl.backfill.plan import Plan, Span
from sdpctl.errors import CommandError
from sdpctl.options import options_of


@dataclass(frozen=True)
class Work:
    """The folder of a replay of one use case of one deployment."""

    folder: Path

    @property
    def place(self) -> str:
        """The deployment: a region, or `local`."""
        return self.folder.parent.name

    @property
    def options(self) -> str:
        """The options by which a command finds it."""
        return options_of(self.place, self.folder.name)

    @property
    def shards(self) -> Path:
        """The records that were read."""
        return self.folder / "shards"

    @property
    def run(self) -> Path:
        """The job's folder, new for each try."""
        return self.folder / "run"

    @property
    def _plan(self) -> Path:
        return self.folder / "plan.json"

    @property
    def _former(self) -> Path:
        return self.folder / "former.json"

    def range(self) -> Span | None:
        """The range of the interrupted replay; None if there is none."""
        plan = self._read(self._plan)
        return Span(*map(instants.parse, plan["buckets"])) if plan else None

    def end(self, plan: Plan) -> datetime | None:
        """The last time of arrival that an interrupted replay of the same plan has read to.

        None if there is none; one of another plan is dropped. Raises CommandError if that has
        stored a part of its result.
        """
        found, wanted = self._read(self._plan), _plan(plan)
        if found and {**wanted, "end": found["end"]} == found:
            return instants.parse(found["end"])
        if found and self._former.exists():
            start, end = found["buckets"]
            raise CommandError(
                f"an interrupted replay of {start} to {end} has stored a part of its result. "
                f"Complete it first: ./sdp replay {self.options} --from {start} --to {end}; or "
                f"take it back: ./sdp replay {self.options} --drop"
            )
        self.remove()
        return None

    def begin(self, plan: Plan, end: datetime) -> None:
        """Note what is read. Whatever a try before has left of its job is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self._plan, {**_plan(plan), "end": instants.to_wire(end)})
        shutil.rmtree(self.run, ignore_errors=True)

    def former(self) -> tuple[Buckets, int]:
        """The stored buckets as they were before this replay began to replace them.

        With the highest generation in which it did.
        """
        found = self._read(self._former) or {"buckets": [], "generation": 0}
        buckets = {
            Key(path, key, period): Bucket(measures, version, generation)
            for path, key, period, measures, version, generation in found["buckets"]
        }
        return buckets, found["generation"]

    def keep_former(self, buckets: Buckets, generation: int) -> None:
        """Note what is going to be replaced in a generation.

        What a try before has noted stays as it is.
        """
        before, used = self.former()
        kept = {**buckets, **before}
        rows = [[*key, b.measures, b.version, b.generation] for key, b in kept.items()]
        _write(self._former, {"buckets": rows, "generation": max(used, generation)})

    def finish(self, *, stored: bool) -> None:
        """Remove all of it; unless a part of the result is stored and not the rest."""
        if stored or not self._former.exists():
            self.remove()

    def remove(self) -> None:
        """Remove all of it."""
        self._plan.unlink(missing_ok=True)  # without it, nothing of the rest is used
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _read(path: Path) -> Any:
        return json.loads(path.read_text()) if path.exists() else None


def _plan(plan: Plan) -> Mapping[str, Any]:
    """What the records that are kept depend on."""
    return {
        name: [instants.to_wire(span.start), instants.to_wire(span.end)]
        for name, span in (("buckets", plan.buckets), ("events", plan.events))
    }


def _write(path: Path, value: Any) -> None:
    part = path.with_suffix(".part")
    with part.open("w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
